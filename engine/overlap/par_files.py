"""Positions from timing models: the .par files of TEMPO, TEMPO2 and PINT."""

import math
from collections.abc import Mapping

from .pulsar_array import PulsarArray, PulsarFileError, PulsarRow, assemble
from .sexagesimal import declination_degrees, plain_number, right_ascension_degrees

# The obliquity of the ecliptic that each name stands for, in arcseconds; IERS technical notes 32 and 36.
OBLIQUITY = {"IERS2010": 84381.406, "IERS2003": 84381.4059}
SPELLINGS = {
    "name": ("PSR", "PSRJ", "PSRB", "PSRNAME"),
    "right ascension": ("RAJ", "RA"),
    "declination": ("DECJ", "DEC"),
    "longitude": ("ELONG", "LAMBDA"),
    "latitude": ("ELAT", "BETA"),
    "ecliptic": ("ECL",),
}


def read_par_folder(files: Mapping[str, str | bytes]) -> PulsarArray:
    """The pulsars of a folder of timing models, one .par file each.

    RAJ and DECJ in parts, or ELONG and ELAT (LAMBDA and BETA) in degrees with the obliquity of ECL (IERS2010 when
    none is said). Positions are those at the model's POSEPOCH; proper motion, arcseconds per decade at most, is
    not applied. Files whose name does not end in .par are left out and told in `notes`.

    Args:
        files: name → content.

    Returns:
        The pulsars in the order of the mapping, each of weight 1.

    Raises:
        PulsarFileError: naming file, row and parameter: no position, an angle out of range or in another form, an
            unknown ECL, a parameter or pulsar that repeats, fewer than two pulsars.

    >>> folder = {"a.par": "PSR A\\nRAJ 12:00:00\\nDECJ -30:00:00", "b.par": "PSR B\\nELONG 90.0\\nELAT 0.0"}
    >>> [round(angle, 4) for angle in read_par_folder(folder).declination_degrees.tolist()]
    [-30.0, 23.4393]
    """
    models = {name: text for name, text in files.items() if name.lower().endswith(".par")}
    notes = [f"{name}: left out, not a .par file" for name in files if name not in models]
    rows = [_pulsar(name, text) for name, text in models.items()]
    return assemble(rows, f"{len(models)} .par files", notes)


def _pulsar(file: str, content: str | bytes) -> PulsarRow:
    found = _parameters(file, content)
    if "name" not in found:
        raise PulsarFileError(file, None, None, "no name", "PSR, PSRJ or PSRB")
    if "right ascension" in found and "declination" in found:
        right_ascension = right_ascension_degrees(found["right ascension"][2], decimal_allowed=False)
        if right_ascension is None:
            raise _refusal(file, found["right ascension"], "hours in parts such as 19:09:47.4")
        declination = declination_degrees(found["declination"][2], decimal_allowed=False)
        if declination is None:
            raise _refusal(file, found["declination"], "-90 … 90 degrees in parts such as -37:44:14")
    elif "longitude" in found and "latitude" in found:
        right_ascension, declination = _from_ecliptic(file, found)
    else:
        raise PulsarFileError(
            file, None, None, "no position", "RAJ and DECJ, ELONG and ELAT, or LAMBDA and BETA"
        )
    row, key, name = found["name"]
    return PulsarRow(name, right_ascension, declination, 1.0, file, row, key)


def _parameters(file: str, content: str | bytes) -> dict[str, tuple[int, str, str]]:
    """What is wanted → (row, the parameter's own name, its value)."""
    if isinstance(content, bytes):
        try:
            content = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            row = content[: error.start].count(b"\n") + 1
            raise PulsarFileError(
                file, row, None, content[error.start : error.end], "text in UTF-8"
            ) from error
    meaning = {key: what for what, keys in SPELLINGS.items() for key in keys}
    found: dict[str, tuple[int, str, str]] = {}
    for number, line in enumerate(content.splitlines(), start=1):
        words = line.split()
        if not words or words[0].upper() not in meaning:
            continue
        what, key = meaning[words[0].upper()], words[0].upper()
        if len(words) < 2:
            raise PulsarFileError(file, number, key, "", "a value after the parameter")
        # A model may name its pulsar twice, PSRJ beside PSRB: the first stands. A position may not.
        if what in found and (what != "name" or found[what][1] == key):
            raise PulsarFileError(file, number, key, words[1], f"once; row {found[what][0]} has it too")
        found.setdefault(what, (number, key, words[1]))
    return found


def _from_ecliptic(file: str, found: dict[str, tuple[int, str, str]]) -> tuple[float, float]:
    longitude, latitude = (plain_number(found[what][2]) for what in ("longitude", "latitude"))
    if longitude is None or not -360 <= longitude <= 360:
        raise _refusal(file, found["longitude"], "-360 … 360 degrees, decimal")
    if latitude is None or not -90 <= latitude <= 90:
        raise _refusal(file, found["latitude"], "-90 … 90 degrees, decimal")
    convention = found["ecliptic"][2].upper() if "ecliptic" in found else "IERS2010"
    if convention not in OBLIQUITY:
        raise _refusal(file, found["ecliptic"], " or ".join(OBLIQUITY))
    obliquity = math.radians(OBLIQUITY[convention] / 3600)
    longitude, latitude = math.radians(longitude), math.radians(latitude)
    x, y, z = (
        math.cos(latitude) * math.cos(longitude),
        math.cos(latitude) * math.sin(longitude),
        math.sin(latitude),
    )
    y, z = (
        math.cos(obliquity) * y - math.sin(obliquity) * z,
        math.sin(obliquity) * y + math.cos(obliquity) * z,
    )
    return math.degrees(math.atan2(y, x)) % 360, math.degrees(math.atan2(z, math.hypot(x, y)))


def _refusal(file: str, entry: tuple[int, str, str], allowed: str) -> PulsarFileError:
    row, key, value = entry
    return PulsarFileError(file, row, key, value, allowed)
