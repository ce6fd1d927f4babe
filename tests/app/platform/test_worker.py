"""The worker: newest wins, turns are shared, errors and cancels end one request only."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from anisoscope.app import worker as worker_module
from anisoscope.app.frame import Frame, Idle
from anisoscope.app.request import Request
from anisoscope.app.worker import Mailbox, Result, Worker, shared_worker
from anisoscope.engine.onlookers import looks_on


def ask(value: int) -> Request:
    return Request.of("t", {"value": value})


def frame(value: int, stage: tuple[int, int] = (1, 1)) -> Frame:
    return Frame({"t": {"x": np.array([value])}}, {"value": value}, stage)


class Inbox:
    """Collects results and wakes whoever waits for one."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self._changed = threading.Condition()

    def __call__(self, result: Result) -> None:
        with self._changed:
            self.results.append(result)
            self._changed.notify_all()

    def wait(self, condition, seconds: float = 5.0) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self.results), seconds), self.results


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.stop()


def done(results: list[Result]) -> bool:
    return any(result.done for result in results)


def test_a_request_gives_its_frames_and_then_its_end(worker: Worker) -> None:
    inbox = Inbox()
    mailbox = worker.open(lambda r: iter([frame(1, (1, 2)), frame(2, (2, 2))]), inbox, rest=0.0)
    worker.ask(mailbox, ask(7))
    inbox.wait(done)
    assert [r.frame.facts["value"] for r in inbox.results if r.frame] == [1, 2]
    assert inbox.results[-1].error is None
    assert all(r.request == ask(7) for r in inbox.results)


def test_a_newer_request_closes_the_older_generator(worker: Worker) -> None:
    closed = threading.Event()

    def frames(request: Request) -> Iterator[Frame | None]:
        try:
            yield frame(request["value"], (1, 2))
            while request["value"] == 1:
                time.sleep(0.002)
                yield None
            yield frame(request["value"], (2, 2))
        finally:
            if request["value"] == 1:
                closed.set()

    inbox = Inbox()
    mailbox = worker.open(frames, inbox, rest=0.0)
    worker.ask(mailbox, ask(1))
    inbox.wait(lambda results: bool(results))
    worker.ask(mailbox, ask(2))
    inbox.wait(done)
    assert closed.wait(2)
    assert inbox.results[-1].request == ask(2)


def test_of_many_requests_only_the_newest_waits(worker: Worker) -> None:
    entered, go = threading.Event(), threading.Event()
    started = []

    def frames(request: Request) -> Iterator[Frame]:
        started.append(request["value"])
        if request["value"] == 0:
            entered.set()
            go.wait(5)
        yield frame(request["value"])

    inbox = Inbox()
    mailbox = worker.open(frames, inbox)
    worker.ask(mailbox, ask(0))
    assert entered.wait(5)
    for value in range(1, 50):
        worker.ask(mailbox, ask(value))
    go.set()
    inbox.wait(lambda results: any(r.done and r.request == ask(49) for r in results))
    assert started == [0, 49]


def test_finer_frames_wait_until_the_hand_rests(worker: Worker) -> None:
    inbox = Inbox()
    mailbox = worker.open(lambda r: iter([frame(1, (1, 2)), frame(2, (2, 2))]), inbox, rest=0.25)
    begun = time.monotonic()
    worker.ask(mailbox, ask(1))
    inbox.wait(done)
    assert time.monotonic() - begun >= 0.25


def test_a_long_refinement_does_not_starve_another_session(worker: Worker) -> None:
    stop = threading.Event()

    def endless(_request: Request) -> Iterator[Frame | None]:
        yield frame(1, (1, 2))
        while not stop.is_set():
            yield None

    slow, quick = Inbox(), Inbox()
    worker.ask(worker.open(endless, slow, rest=0.0), ask(1))
    slow.wait(lambda results: bool(results))
    worker.ask(worker.open(lambda r: iter([frame(5)]), quick), ask(5))
    quick.wait(done)
    stop.set()


def test_an_exception_ends_one_request_only(worker: Worker) -> None:
    def frames(request: Request) -> Iterator[Frame]:
        if request["value"] < 0:
            raise ValueError("value = -1: at least 0")
        yield frame(request["value"])

    inbox = Inbox()
    mailbox = worker.open(frames, inbox)
    worker.ask(mailbox, ask(-1))
    inbox.wait(done)
    assert isinstance(inbox.results[-1].error, ValueError)
    worker.ask(mailbox, ask(3))
    inbox.wait(lambda results: any(r.frame and r.frame.facts["value"] == 3 for r in results))


def test_a_page_that_cannot_take_a_result_keeps_no_other_waiting(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(_result: Result) -> None:
        raise RuntimeError("Event loop is closed")

    def unclosable(_request: Request) -> Iterator[Frame]:
        try:
            while True:
                yield frame(1)
        finally:
            raise ValueError("left in the middle")

    inbox = Inbox()
    worker.ask(worker.open(lambda _request: iter([frame(1), frame(2)]), gone), ask(1))
    left = worker.open(unclosable, inbox, rest=0.0)
    worker.ask(left, ask(1))
    inbox.wait(lambda results: bool(results))
    worker.cancel(left)
    other = Inbox()
    worker.ask(worker.open(lambda _request: iter([frame(5)]), other), ask(5))
    other.wait(done)
    assert "Event loop is closed" in caplog.text and "left in the middle" in caplog.text


def test_the_thread_of_pages_looks_on(worker: Worker) -> None:
    """It computes beside a reader's training in a notebook."""
    inbox, seen = Inbox(), list[bool]()

    def frames(_request: Request) -> Iterator[Frame]:
        seen.append(looks_on())
        yield frame(1)

    worker.ask(worker.open(frames, inbox), ask(1))
    inbox.wait(done)
    assert seen == [True] and not looks_on()


def test_all_threads_share_one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    class Slow(Worker):
        def __init__(self) -> None:
            made.append(1)
            time.sleep(0.05)
            super().__init__()

    monkeypatch.setattr(worker_module, "_worker", None)
    monkeypatch.setattr(worker_module, "Worker", Slow)
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: shared_worker(), range(4)))
    assert len(found) == len(made) == 1


def test_cancel_and_close_leave_no_generator_and_no_late_frame(worker: Worker) -> None:
    ended = threading.Event()

    def frames(_request: Request) -> Iterator[Frame | None]:
        try:
            yield frame(1, (1, 2))
            while True:
                yield None
        finally:
            ended.set()

    inbox = Inbox()
    mailbox: Mailbox = worker.open(frames, inbox, rest=0.0)
    worker.ask(mailbox, ask(1))
    inbox.wait(lambda results: bool(results))
    worker.cancel(mailbox)
    assert ended.wait(2)
    count = len(inbox.results)
    worker.close(mailbox)
    thread = worker._thread
    assert thread is not None and thread.is_alive()
    worker.stop()
    assert len(inbox.results) == count
    assert not thread.is_alive()


def test_a_finer_frame_holds_what_the_coarser_one_held(worker: Worker) -> None:
    def frames(request: Request) -> Iterator[Frame]:
        yield Frame({"coarse": {"x": np.array([request["value"]])}}, {"a": request["value"]}, (1, 2))
        yield Frame({"fine": {"x": np.array([2])}}, {"b": 2}, (2, 2))

    inbox = Inbox()
    mailbox = worker.open(frames, inbox, rest=0.0)
    for value in (5, 7):
        inbox.results.clear()
        worker.ask(mailbox, ask(value))
        inbox.wait(done)
        last = [result.frame for result in inbox.results if result.frame is not None][-1]
        # The coarse frame may never reach a browser that is slow: the last one must do alone.
        assert set(last.tables) == {"coarse", "fine"}
        assert last.tables["coarse"]["x"][0] == value and last.facts == {"a": value, "b": 2}


def test_an_idle_generator_is_asked_again_later_and_lets_others_work(worker: Worker) -> None:
    asked_at: list[float] = []

    def following(_request):
        for value in range(3):
            asked_at.append(time.monotonic())
            yield frame(value)
            yield Idle(0.2)

    slow, quick = Inbox(), Inbox()
    worker.ask(worker.open(following, slow), ask(1))
    slow.wait(lambda results: len(results) == 1)
    worker.ask(worker.open(lambda r: iter([frame(9)]), quick), ask(2))
    quick.wait(done)
    assert len(slow.results) == 1, "the idle one waits"
    slow.wait(done)
    assert [r.frame.facts["value"] for r in slow.results if r.frame] == [0, 1, 2]
    assert all(b - a >= 0.19 for a, b in itertools.pairwise(asked_at))
