"""Learning-rate schedules as pure functions of the step, so that a run can be taken up anywhere."""

from collections.abc import Callable

from .errors import UnknownSchedule

DECAY_SHARE = 0.4
WARMUP_SHARE = 0.1
STAIR = 25


def _constant(_done: int, _steps: int) -> float:
    return 1.0


def _linear(done: int, steps: int) -> float:
    return min(1.0, (steps - done) / (DECAY_SHARE * steps))


def _warmup(done: int, steps: int) -> float:
    return min(1.0, (done + 1) / (WARMUP_SHARE * steps))


def _stairs(factor: float) -> Callable[[int, int], float]:
    return lambda done, _steps: factor ** (done // STAIR)


SCHEDULES: dict[str, Callable[[int, int], float]] = {
    "constant": _constant,
    "linear": _linear,
    "steps": _stairs(0.99),
    "steps_fast": _stairs(0.95),
    "warmup": _warmup,
}


def learning_rate_factor(schedule: str, step: int, steps: int) -> float:
    """The factor on the learning rate of step 1 … steps, in (0, 1].

    "constant" 1; "linear" 1, then a straight line over the last 40 % that would reach zero one step after the end;
    "steps" × 0.99 and "steps_fast" × 0.95 after every 25 steps, PolarGrad's own (arXiv:2505.21799); "warmup" a
    straight line up to 1 over the first 10 %.

    Raises:
        UnknownSchedule: naming those there are.
        ValueError: on a step out of range.

    >>> [learning_rate_factor("linear", step, 10) for step in (1, 6, 7, 8, 10)]
    [1.0, 1.0, 1.0, 0.75, 0.25]
    >>> learning_rate_factor("steps", 26, 100)
    0.99
    """
    check_schedule(schedule)
    if not 1 <= step <= steps:
        raise ValueError(f"step is {step}: 1 … steps = {steps} is needed")
    return SCHEDULES[schedule](step - 1, steps)


def check_schedule(schedule: str) -> None:
    """Raise `UnknownSchedule` unless there is one of this name."""
    if schedule not in SCHEDULES:
        raise UnknownSchedule(f"schedule is {schedule!r}: one of {', '.join(SCHEDULES)} is needed")
