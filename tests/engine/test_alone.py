"""Whoever computes alone has torch's threads to itself, and gives them back."""

import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from anisoscope.engine.alone import alone, each_alone


def test_two_that_overlap_leave_the_number_of_threads_as_it_was() -> None:
    before, entered = torch.get_num_threads(), threading.Event()
    torch.set_num_threads(2)

    def first() -> None:
        with alone():
            entered.set()
            # long enough for the other to come in, were it let in
            assert not second_is_in.wait(0.1) and torch.get_num_threads() == 1

    def second() -> int:
        assert entered.wait(20)
        with alone():
            second_is_in.set()
            return torch.get_num_threads()

    second_is_in = threading.Event()
    try:
        with ThreadPoolExecutor(2) as pool:
            one, other = pool.submit(first), pool.submit(second)
            one.result()
            assert other.result() == 1
        with ThreadPoolExecutor(1) as pool:
            assert torch.get_num_threads() == pool.submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(before)


def test_it_may_be_entered_again_and_left_by_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), alone(), alone():
        _ = 1 / 0
    assert torch.get_num_threads() == before
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(_enters).result(timeout=20)


def _enters() -> bool:
    with alone():
        return True


def test_who_waits_comes_before_who_was_just_there() -> None:
    """A page that waits gets its turn after one of an export's, however quickly that comes back."""
    turns, stop, begun = list[str](), threading.Event(), threading.Event()

    def export() -> None:
        while not stop.is_set():
            with alone():
                turns.append("export")
                begun.set()
                end = time.perf_counter() + 0.005
                while time.perf_counter() < end:
                    pass

    thread = threading.Thread(target=export)
    thread.start()
    try:
        assert begun.wait(20)
        for _ in range(10):
            time.sleep(0.01)
            before = len(turns)
            with alone():
                waited = len(turns) - before
                turns.append("page")
            assert waited <= 2
    finally:
        stop.set()
        thread.join()
    assert turns.count("page") == 10


def test_parts_made_alone_let_others_in_between() -> None:
    before, left = torch.get_num_threads(), list[bool]()
    torch.set_num_threads(2)

    def parts() -> Generator[int, None, str]:
        try:
            yield torch.get_num_threads()
            yield torch.get_num_threads()
        finally:
            left.append(True)
        return "end"

    def whole() -> Generator[int, None, str]:
        return (yield from each_alone(parts()))

    try:
        with ThreadPoolExecutor(1) as pool:
            made = whole()
            for _ in range(2):
                assert next(made) == 1 and torch.get_num_threads() == 2
                assert pool.submit(_enters).result(timeout=20)
            with pytest.raises(StopIteration, match="end"):
                next(made)
            stopped = whole()
            next(stopped)
            stopped.close()
            assert left == [True, True] and pool.submit(_enters).result(timeout=20)
    finally:
        torch.set_num_threads(before)
