"""Angles as people write them: 19:09:47.43, -37d44m14s or plain degrees."""

import re

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?")
HOURS = re.compile(r"([+-]?)(\d{1,3})\s*[:h\s]\s*(\d+\.?\d*)\s*(?:[:m'\s]\s*(\d+\.?\d*)\s*[s\"]?)?\s*m?")
DEGREES = re.compile(
    r"([+-]?)(\d{1,3})\s*[:d°\s]\s*(\d+\.?\d*)\s*(?:[:m'\s]\s*(\d+\.?\d*)\s*[s\"]?)?\s*[m']?"
)
# typographic minus, prime and double prime, as tables copied from papers have them
ASCII = str.maketrans({"−": "-", "–": "-", "′": "'", "″": '"', "’": "'", "”": '"'})


def plain_number(text: str) -> float | None:
    """A decimal number, D exponents of Fortran included; None for anything else, nan and inf included."""
    text = text.strip().translate(ASCII)
    if not NUMBER.fullmatch(text):
        return None
    return float(text.replace("D", "e").replace("d", "e"))


def right_ascension_degrees(text: str, decimal_allowed: bool = True) -> float | None:
    """Hours when written in parts, degrees when decimal; None unless within 0 … 360°.

    >>> right_ascension_degrees("12:30:00"), right_ascension_degrees("187.5"), right_ascension_degrees("25:00")
    (187.5, 187.5, None)
    """
    hours = _parts(HOURS, text)
    value = 15 * hours if hours is not None else (plain_number(text) if decimal_allowed else None)
    return value if value is not None and 0 <= value <= 360 else None


def declination_degrees(text: str, decimal_allowed: bool = True) -> float | None:
    """Degrees, in parts or decimal; None unless within -90 … 90°.

    >>> declination_degrees("-00:30:00"), declination_degrees("-0.5"), declination_degrees("+90:00:01")
    (-0.5, -0.5, None)
    """
    degrees = _parts(DEGREES, text)
    value = degrees if degrees is not None else (plain_number(text) if decimal_allowed else None)
    return value if value is not None and -90 <= value <= 90 else None


def _parts(form: re.Pattern[str], text: str) -> float | None:
    """Whole + minutes/60 + seconds/3600, with the sign of the text and not of the whole part (-00:30)."""
    found = form.fullmatch(text.strip().translate(ASCII))
    if found is None:
        return None
    sign, whole, minutes, seconds = found.groups()
    if float(minutes) >= 60 or float(seconds or 0) >= 60 or (seconds and "." in minutes):
        return None
    value = int(whole) + float(minutes) / 60 + float(seconds or 0) / 3600
    return -value if sign == "-" else value
