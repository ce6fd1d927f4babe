"""What torch keeps once for the process, and pages that compute beside a reader's training."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.backends import cuda

from anisoscope.engine.ghosts import logit_jvp
from anisoscope.engine.ghosts.one_at_a_time import math_attention
from anisoscope.engine.onlookers import look_on, looks_on

A_WHILE = 0.3
"""Seconds that a thread waits for another one which, as it should, has to wait for it."""


def in_turn(
    first: Callable[[Callable[[], None]], Any], second: Callable[[Callable[[], None]], Any]
) -> list[Any]:
    """What both give, each called with what it calls inside: the second begins while the first is inside, and the
    first would leave before the second does."""
    first_in, second_in, first_out = threading.Event(), threading.Event(), threading.Event()
    found: list[Any] = [None, None]

    def inside_first() -> None:
        first_in.set()
        second_in.wait(A_WHILE)

    def inside_second() -> None:
        second_in.set()
        first_out.wait(A_WHILE)

    def work_first() -> None:
        found[0] = first(inside_first)
        first_out.set()

    def work_second() -> None:
        first_in.wait(A_WHILE)
        found[1] = second(inside_second)

    threads = [threading.Thread(target=work) for work in (work_first, work_second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


class Calling(nn.Module):
    """A linear layer, and something else between its input and its output."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self.linear, self.call = nn.Linear(3, 4, dtype=torch.float64), call

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear(x)
        self.call()
        return x + torch.tanh(x)


def probed(call: Callable[[], None]) -> Any:
    torch.manual_seed(0)
    model = Calling(call)
    direction = {"linear.weight": torch.ones(4, 3, dtype=torch.float64)}
    return logit_jvp(model, torch.eye(3, dtype=torch.float64), direction)


def test_slopes_found_in_two_threads_are_those_found_in_one() -> None:
    wanted = probed(lambda: None)
    assert wanted.backend == "jvp" and bool((wanted.a > 1).all())
    for found in in_turn(probed, probed):
        assert found.backend == "jvp"
        assert torch.equal(found.a, wanted.a) and torch.equal(found.z, wanted.z)


def test_the_choice_of_kernels_is_as_it_was_after_two_threads() -> None:
    def chosen(call: Callable[[], None]) -> bool:
        with math_attention():
            call()
            return cuda.flash_sdp_enabled()

    before = cuda.flash_sdp_enabled(), cuda.math_sdp_enabled()
    assert before == (True, True)
    assert in_turn(chosen, chosen) == [False, False]
    assert (cuda.flash_sdp_enabled(), cuda.math_sdp_enabled()) == before


@pytest.mark.parametrize("onlooker", [False, True])
def test_who_looks_on_puts_no_random_numbers_back(onlooker: bool) -> None:
    """In the thread of a training a look leaves no trace; from another one it must not turn back the training's."""
    states: list[Tensor] = []
    model = Calling(lambda: torch.rand(5))
    direction = {"linear.bias": torch.ones(4, dtype=torch.float64)}

    def work() -> None:
        if onlooker:
            look_on()
        states.append(torch.get_rng_state())
        logit_jvp(model, torch.eye(3, dtype=torch.float64), direction)
        states.append(torch.get_rng_state())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert torch.equal(*states) is not onlooker
    assert not looks_on()
