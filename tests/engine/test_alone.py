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
    """A page that waits gets its turn next, however quickly an export that trains comes back for one more."""
    orders: list[list[str]] = []

    def page(order: list[str]) -> None:
        with alone():
            order.append("page")

    for _ in range(7):
        orders.append([])
        with alone():
            waiting = threading.Thread(target=page, args=(orders[-1],))
            waiting.start()
            # long enough for it to ask, but on the busiest machine
            time.sleep(0.05)
        with alone():
            orders[-1].append("export")
        waiting.join()
    assert orders.count(["page", "export"]) > 4, orders


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
