"""Checks values that come from outside (a link, a request.json, a keyboard entry) against a parameter."""

from __future__ import annotations

import math
from typing import Any

import param

from .errors import RequestError
from .uploads import Upload, content_of


def coerce(name: str, parameter: param.Parameter, value: Any) -> Any:
    """`value` as this parameter's type, checked against its bounds.

    Raises:
        RequestError: names the parameter, the value, what is allowed and, where there is one, the
            nearest allowed value.
    """
    if isinstance(parameter, param.Boolean):
        return _boolean(name, value)
    if isinstance(parameter, param.Selector):
        return _choice(name, parameter, value)
    if isinstance(parameter, param.NumericTuple):
        return _numbers(name, parameter, value)
    if isinstance(parameter, param.Number):
        return _number(name, parameter, value)
    if isinstance(parameter, Upload):
        return _token(name, value)
    if isinstance(parameter, param.String):
        if not isinstance(value, str) or len(value) > 200:
            raise RequestError(name, value, "must be text of at most 200 characters", parameter.default)
        return value
    raise RequestError(name, value, "cannot be set from outside")


def _token(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise RequestError(name, value, "must be the token of a file, name#hash", "")
    if value:
        content_of(name, value)
    return value


def _boolean(name: str, value: Any) -> bool:
    words = {"1": True, "true": True, "0": False, "false": False, True: True, False: False}
    key = value.lower() if isinstance(value, str) else value
    if isinstance(key, (str, bool)) and key in words:
        return words[key]
    raise RequestError(name, value, "must be 0 or 1", False)


def _choice(name: str, parameter: param.Selector, value: Any) -> Any:
    allowed = list(parameter.objects)
    for choice in allowed:
        if value == choice or str(value) == str(choice):
            return choice
    words = ", ".join(str(choice) for choice in allowed)
    raise RequestError(name, value, f"must be one of {words}", parameter.default)


def _number(name: str, parameter: param.Number, value: Any) -> float | int:
    integer = isinstance(parameter, param.Integer)
    low, high = parameter.bounds or (None, None)
    allowed = "must be " + ("a whole number" if integer else "a number") + _range_words(low, high)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise RequestError(name, value, allowed, parameter.default) from error
    if not math.isfinite(number):
        raise RequestError(name, value, allowed, parameter.default)
    if integer and number != int(number):
        raise RequestError(name, value, allowed, round(number))
    if low is not None and number < low:
        raise RequestError(name, value, allowed, low)
    if high is not None and number > high:
        raise RequestError(name, value, allowed, high)
    return int(number) if integer else number


def _numbers(name: str, parameter: param.NumericTuple, value: Any) -> tuple[float, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    length = len(parameter.default)
    allowed = f"must be {length} finite numbers"
    try:
        numbers = tuple(float(part) for part in parts)
    except (TypeError, ValueError, OverflowError) as error:
        raise RequestError(name, value, allowed, parameter.default) from error
    if len(numbers) != length or not all(math.isfinite(n) for n in numbers):
        raise RequestError(name, value, allowed, parameter.default)
    return numbers


def _range_words(low: Any, high: Any) -> str:
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    if low is not None:
        return f" of at least {low:g}"
    return f" of at most {high:g}" if high is not None else ""
