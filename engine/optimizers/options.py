"""Checks of the options of a parameter group."""

import math
from collections.abc import Sequence
from typing import Any

from .errors import InvalidOption


def require_at_least_zero(group: dict[str, Any], *names: str) -> None:
    for name in names:
        value = group[name]
        if not (_is_number(value) and float(value) >= 0 and math.isfinite(value)):
            raise InvalidOption(f"{name} is {value!r}: a finite number of at least 0 is needed")


def require_positive(group: dict[str, Any], *names: str) -> None:
    for name in names:
        value = group[name]
        if not (_is_number(value) and float(value) > 0 and math.isfinite(value)):
            raise InvalidOption(f"{name} is {value!r}: a finite number above 0 is needed")


def require_fraction(group: dict[str, Any], *names: str) -> None:
    for name in names:
        value = group[name]
        if not (_is_number(value) and 0 <= float(value) < 1):
            raise InvalidOption(f"{name} is {value!r}: a number in [0, 1) is needed")


def require_fractions(group: dict[str, Any], *names: str) -> None:
    """Pairs, such as betas."""
    for name in names:
        value = group[name]
        if not (
            isinstance(value, Sequence)
            and len(value) == 2
            and all(_is_number(part) and 0 <= float(part) < 1 for part in value)
        ):
            raise InvalidOption(f"{name} is {value!r}: two numbers in [0, 1) are needed")


def require_count(group: dict[str, Any], *names: str) -> None:
    for name in names:
        value = group[name]
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InvalidOption(f"{name} is {value!r}: an integer of at least 1 is needed")


def require_flag(group: dict[str, Any], *names: str) -> None:
    for name in names:
        if not isinstance(group[name], bool):
            raise InvalidOption(f"{name} is {group[name]!r}: True or False is needed")


def require_choice(group: dict[str, Any], name: str, choices: Sequence[str]) -> None:
    if group[name] not in choices:
        raise InvalidOption(f"{name} is {group[name]!r}: one of {', '.join(choices)} is needed")


def _is_number(value: object) -> bool:
    # a tensor of one element serves as a learning rate, as in torch.optim
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) or getattr(value, "numel", lambda: 0)() == 1
