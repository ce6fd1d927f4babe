"""Back-pressure: one frame in flight, newest waits, a silent browser is not waited for for ever."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from anisoscope.app.delivery import Delivery


class ManualScheduler:
    """Runs what was asked only when told to."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], None]] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def call(self, action: Callable[[], None]) -> None:
        self.soon.append(action)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        self.timers.append((seconds, action))

    def run(self) -> None:
        while self.soon:
            self.soon.pop(0)()

    def wait(self) -> None:
        """The short pauses pass, but not a second."""
        short, self.timers = [t for t in self.timers if t[0] < 1], [t for t in self.timers if t[0] >= 1]
        for _, action in short:
            action()
        self.run()


def make(times: list[float] | None = None) -> tuple[ManualScheduler, list[tuple[int, int]], Delivery[int]]:
    """A delivery whose clock shows each of `times` in turn, and a slow browser where none are given."""
    scheduler, written = ManualScheduler(), []
    clock = iter(times or [10.0 * i for i in range(100)])
    write = lambda item, serial: written.append((item, serial))  # noqa: E731
    delivery: Delivery[int] = Delivery(scheduler, write, clock=lambda: next(clock))
    return scheduler, written, delivery


def test_nothing_is_written_before_the_last_was_acknowledged() -> None:
    scheduler, written, delivery = make()
    for item in range(200):
        delivery.offer(item)
        scheduler.run()
    assert written == [(0, 1)]
    delivery.acknowledge(1)
    scheduler.wait()
    assert written == [(0, 1), (199, 2)]
    assert delivery.overwritten == 198


def test_a_quick_browser_gets_a_second_frame_while_it_paints_and_no_third() -> None:
    scheduler, written, delivery = make([0.0, 0.05, 0.06, 0.07, 0.5])
    for item in (1, 2):
        delivery.offer(item)
        scheduler.run()
    assert written == [(1, 1)], "nobody knows yet how quick it is"
    delivery.acknowledge(1)
    scheduler.run()
    for item in (3, 4):
        delivery.offer(item)
        scheduler.run()
    assert written == [(1, 1), (2, 2), (3, 3)]
    delivery.acknowledge(2)
    scheduler.run()
    assert written == [(1, 1), (2, 2), (3, 3)], "0.44 s: it has become slow, and one is still under way"
    delivery._clock = lambda: 0.6
    delivery.acknowledge(3)
    scheduler.wait()
    assert written[-1] == (4, 4)


def test_a_wrong_or_repeated_receipt_changes_nothing() -> None:
    scheduler, written, delivery = make()
    delivery.offer(1)
    scheduler.run()
    delivery.acknowledge(7)
    delivery.offer(2)
    scheduler.run()
    assert written == [(1, 1)]
    delivery.acknowledge(1)
    delivery.acknowledge(1)
    scheduler.wait()
    assert written == [(1, 1), (2, 2)]


def test_a_hidden_tab_is_given_up_on_after_a_while() -> None:
    scheduler, written, delivery = make()
    delivery.offer(1)
    scheduler.run()
    delivery.offer(2)
    for _, given_up in list(scheduler.timers):
        given_up()
    scheduler.wait()
    assert written == [(1, 1), (2, 2)]


def test_a_slow_browser_waits_a_moment_for_what_the_hand_did_while_it_painted() -> None:
    scheduler, written, delivery = make([0.0, 0.16, 1.0, 1.1, 2.0])
    for item in (1, 2):
        delivery.offer(item)
        scheduler.run()
    delivery.acknowledge(1)
    scheduler.run()
    assert written == [(1, 1)] and [pause for pause, _ in scheduler.timers] == [1.0, 0.02]
    delivery.offer(3)
    scheduler.run()
    assert written == [(1, 1), (3, 2)], "the newer one goes at once"
    scheduler.wait()
    assert len(written) == 2, "and the pause writes nothing twice"
    delivery.offer(4)
    delivery.acknowledge(2)
    scheduler.wait()
    assert written[-1] == (4, 3), "where nothing newer comes, what waits goes after it"


def test_the_pause_of_a_very_slow_browser_is_not_felt() -> None:
    scheduler, _, delivery = make([0.0, 5.0])
    delivery.offer(1)
    scheduler.run()
    delivery.acknowledge(1)
    assert delivery.took == 5.0 and scheduler.timers[-1][0] == 0.05


def test_a_failing_write_does_not_block_the_next() -> None:
    scheduler, written = ManualScheduler(), []

    def write(item: int, serial: int) -> None:
        if item == 1:
            raise RuntimeError("broken")
        written.append(item)

    delivery: Delivery[int] = Delivery(scheduler, write)
    delivery.offer(1)
    with contextlib.suppress(RuntimeError):
        scheduler.run()
    delivery.offer(2)
    scheduler.run()
    assert written == [2]


def test_nothing_is_written_before_the_browser_has_the_document() -> None:
    scheduler, written = ManualScheduler(), []
    delivery: Delivery[int] = Delivery(scheduler, lambda item, serial: written.append(item), paused=True)
    delivery.offer(1)
    delivery.offer(2)
    scheduler.run()
    assert written == []
    delivery.resume()
    delivery.resume()
    scheduler.run()
    assert written == [2]
