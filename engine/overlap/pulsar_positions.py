"""Whether a pulsar lies where its name says, and the usual reasons when it does not.

J1909-3744 is at 19h09m, -37°44' of equinox J2000; B1855+09 at 18h55m, +09° of equinox B1950.
"""

import math
import re
from dataclasses import dataclass

import torch
from torch import Tensor

from .pulsar_array import PulsarArray, directions_of

# FK4 (B1950) to FK5 (J2000) without the E-terms of aberration; Murray (1989), A&A 218, 325, eq. 28.
TO_J2000 = (
    (0.9999256794956877, -0.0111814832204662, -0.0048590038153592),
    (0.0111814832391717, 0.9999374848933135, -0.0000271625947142),
    (0.0048590037723143, -0.0000271702937440, 0.9999881946023742),
)
NAME = re.compile(r"(?:PSR\s*)?([JB]?)(\d\d)(\d\d)([+-])(\d\d)(\d\d)?(?!\d)", re.IGNORECASE)
# Precession without E-terms is good to 0.4″, proper motion adds as much.
TOLERANCE_ARCMINUTES = 0.02


def to_j2000(directions: Tensor) -> Tensor:
    """Unit vectors (..., 3) from equinox B1950 to J2000.

    Rotation only: the E-terms of aberration (0.34″) and the frame's own spin are left out, ICRS counts as FK5
    (0.02″). Good to 0.5″.
    """
    return directions @ torch.tensor(TO_J2000, dtype=directions.dtype, device=directions.device).mT


def to_b1950(directions: Tensor) -> Tensor:
    """Unit vectors (..., 3) from equinox J2000 to B1950; the inverse of `to_j2000`, with its accuracy."""
    return directions @ torch.tensor(TO_J2000, dtype=directions.dtype, device=directions.device)


def position_warnings(array: PulsarArray) -> tuple[str, ...]:
    """One sentence for every pulsar that is farther from the place its name says than rounding allows.

    The digits of a name are rounded or cut: half a unit below to one unit above is fine. Where precession from
    B1950, the other sign of the declination or hours for degrees would put it right, that is told as the likely
    cause. Names that hold no coordinates are passed over. Near the poles of precession (right ascension 6 h and
    18 h, high declination) B1950 and J2000 may both fit; then nothing is said.

    Returns:
        Sentences with the name, the offset in degrees and the likely cause; empty when all is well.

    >>> from anisoscope.engine.overlap.pulsar_csv import read_csv
    >>> position_warnings(read_csv("name,ra,dec\\nJ1909-3744,287.45,37.737\\nJ1713+0747,258.456,7.794"))
    ('J1909-3744: 75.5° from the place in its name; the declination probably lacks its sign',)
    """
    warnings: list[str] = []
    angles = zip(array.right_ascension_degrees.tolist(), array.declination_degrees.tolist(), strict=True)
    for name, (right_ascension, declination) in zip(array.names, angles, strict=True):
        cell = _Cell.of(name)
        if cell is not None and cell.gap_degrees(right_ascension, declination) > 0:
            offset, cause = _diagnosis(cell, right_ascension, declination)
            warnings.append(f"{name}: {offset:.3g}° from the place in its name; {cause}")
    return tuple(warnings)


@dataclass(frozen=True)
class _Cell:
    """The part of the sky a name allows: minutes of right ascension, arcminutes of declination, an equinox."""

    equinox: str
    minutes: int
    sign: int
    arcminutes: int
    unit: int

    @classmethod
    def of(cls, name: str) -> "_Cell | None":
        found = NAME.match(name)
        if found is None:
            return None
        letter, hours, minutes, sign, degrees, arcminutes = found.groups()
        if int(hours) >= 24 or int(minutes) >= 60 or int(degrees) > 90 or int(arcminutes or 0) >= 60:
            return None
        equinox = letter.upper() or ("J" if arcminutes else "B")
        return cls(
            equinox=equinox,
            minutes=60 * int(hours) + int(minutes),
            sign=-1 if sign == "-" else 1,
            arcminutes=60 * int(degrees) + int(arcminutes or 0),
            unit=1 if arcminutes else 60,
        )

    def gap_degrees(self, right_ascension: float, declination: float) -> float:
        """From a position, J2000 degrees, to the nearest place the name allows; 0 inside."""
        if self.equinox == "B":
            right_ascension, declination = _angles(to_b1950(_vector(right_ascension, declination)))
        east = (4 * right_ascension - self.minutes + 720) % 1440 - 720
        outward = 60 * declination * self.sign - self.arcminutes
        # a degree of right ascension shrinks with cos δ
        slack = TOLERANCE_ARCMINUTES / 15 / max(math.cos(math.radians(declination)), 1e-3)
        near_east = min(max(east, -0.5), 1.0)
        near_outward = min(max(outward, -0.5 * self.unit), 1.0 * self.unit)
        if abs(east - near_east) <= slack and abs(outward - near_outward) <= TOLERANCE_ARCMINUTES:
            return 0.0
        nearest = _vector((self.minutes + near_east) / 4, self.sign * (self.arcminutes + near_outward) / 60)
        return _separation(_vector(right_ascension, declination), nearest)


def _diagnosis(cell: _Cell, right_ascension: float, declination: float) -> tuple[float, str]:
    """The offset in degrees and its likely cause: the first correction that brings the pulsar into its cell."""
    here = _vector(right_ascension, declination)
    corrections = [
        (_angles(to_j2000(here)), "the position is probably of equinox B1950, J2000 is needed"),
        ((right_ascension, -declination), "the declination probably lacks its sign"),
    ]
    if right_ascension <= 24:
        hours = ((15 * right_ascension) % 360, declination)
        corrections.append((hours, "the right ascension is probably in hours, degrees are needed"))
    for corrected, cause in corrections:
        if cell.gap_degrees(*corrected) == 0:
            return _separation(here, _vector(*corrected)), cause
    gap = cell.gap_degrees(right_ascension, declination)
    early = gap < max(0.05, cell.unit / 60)
    return gap, "the name may stem from an early, rougher position" if early else "no usual cause fits"


def _vector(right_ascension: float, declination: float) -> Tensor:
    angles = torch.tensor([[right_ascension, declination]], dtype=torch.float64)
    return directions_of(angles[:, 0], angles[:, 1])[0]


def _angles(direction: Tensor) -> tuple[float, float]:
    x, y, z = direction.tolist()
    return math.degrees(math.atan2(y, x)) % 360, math.degrees(math.atan2(z, math.hypot(x, y)))


def _separation(first: Tensor, second: Tensor) -> float:
    chord = torch.linalg.vector_norm(first - second).item()
    return math.degrees(2 * math.asin(min(1.0, chord / 2)))
