"""A list of pulsars with positions and weights, and the error that names the place in a file."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


class PulsarFileError(ValueError):
    """A file of pulsars that cannot be read as meant.

    Attributes:
        file: its name.
        row: the line in it, counted from 1; None where the file as a whole is meant.
        column: the column or the parameter; None likewise.
        value: what stands there.
        allowed: what might stand there.
    """

    def __init__(self, file: str, row: int | None, column: str | None, value: object, allowed: str) -> None:
        self.file, self.row, self.column, self.value, self.allowed = file, row, column, value, allowed
        place = file + (f", row {row}" if row is not None else "") + (f", column {column}" if column else "")
        super().__init__(f"{place}: {value!r}; allowed: {allowed}")


@dataclass(frozen=True, eq=False)
class PulsarArray:
    """Pulsars in the order of their file.

    Attributes:
        names: (N,) all different.
        directions: float64 (N, 3) unit vectors from Earth to the pulsars, ICRS.
        weights: float64 (N,) positive, 1 where the file has none; inverse variances up to a factor, as
            `sigma_for_snr` takes them.
        source: the file or the rule they come from.
        notes: what a reader should know and nothing refuses: shared positions, rows and columns left out.
    """

    names: tuple[str, ...]
    directions: Tensor
    weights: Tensor
    source: str
    notes: tuple[str, ...] = ()

    @property
    def right_ascension_degrees(self) -> Tensor:
        """(N,) 0 … 360, ICRS."""
        return torch.rad2deg(torch.atan2(self.directions[:, 1], self.directions[:, 0])) % 360

    @property
    def declination_degrees(self) -> Tensor:
        """(N,) -90 … 90, ICRS."""
        x, y, z = self.directions.unbind(-1)
        return torch.rad2deg(torch.atan2(z, torch.hypot(x, y)))


@dataclass(frozen=True)
class PulsarRow:
    """One pulsar as read, with its place in the file for messages; angles in degrees, ICRS."""

    name: str
    right_ascension: float
    declination: float
    weight: float
    file: str
    row: int | None
    name_column: str


def assemble(rows: Sequence[PulsarRow], source: str, notes: Sequence[str] = ()) -> PulsarArray:
    """An array of rows, once there are two or more and no name repeats; shared positions become notes.

    Raises:
        PulsarFileError: otherwise.
    """
    if len(rows) < 2:
        raise PulsarFileError(
            source, None, None, f"{len(rows)} pulsar" + "s" * (len(rows) != 1), "two or more"
        )
    count = Counter(row.name for row in rows)
    seen: set[str] = set()
    for row in rows:
        if row.name in seen:
            raise PulsarFileError(
                row.file,
                row.row,
                row.name_column,
                row.name,
                f"each name once; this one stands {count[row.name]} times",
            )
        seen.add(row.name)
    names = tuple(row.name for row in rows)
    angles = torch.tensor([(row.right_ascension, row.declination) for row in rows], dtype=torch.float64)
    directions = directions_of(angles[:, 0], angles[:, 1])
    weights = torch.tensor([row.weight for row in rows], dtype=torch.float64)
    return PulsarArray(names, directions, weights, source, (*notes, *_shared_positions(names, directions)))


def directions_of(right_ascension_degrees: Tensor, declination_degrees: Tensor) -> Tensor:
    """Unit vectors (N, 3) of angles (N,) in degrees."""
    right_ascension, declination = torch.deg2rad(right_ascension_degrees), torch.deg2rad(declination_degrees)
    radius = declination.cos()
    return torch.stack(
        [radius * right_ascension.cos(), radius * right_ascension.sin(), declination.sin()], -1
    )


def uniform(count: int) -> PulsarArray:
    """A Fibonacci lattice: count pulsars as evenly as one spiral allows, named U1, U2, …

    z_i = 1 - (2i + 1)/N and a turn by the golden angle each; González (2010), Math. Geosci. 42, 49.

    Args:
        count: N, 2 or more.

    Raises:
        ValueError: when count is less than 2 or no whole number.

    >>> uniform(3).names
    ('U1', 'U2', 'U3')
    """
    if not isinstance(count, int) or isinstance(count, bool) or count < 2:
        raise ValueError(f"count is {count!r}: a whole number, 2 or more, is needed")
    index = torch.arange(count, dtype=torch.float64)
    z = 1 - (2 * index + 1) / count
    radius = ((1 - z) * (1 + z)).sqrt()
    turn = index * math.pi * (3 - math.sqrt(5))
    directions = torch.stack([radius * turn.cos(), radius * turn.sin(), z], -1)
    names = tuple(f"U{number}" for number in range(1, count + 1))
    return PulsarArray(names, directions, torch.ones_like(z), f"{count} places of a Fibonacci lattice")


def _shared_positions(names: Sequence[str], directions: Tensor) -> list[str]:
    """One note per place, to 1e-8 rad (2 mas), that more than one pulsar has."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for name, place in zip(names, (directions * 1e8).round().long().tolist(), strict=True):
        groups.setdefault(tuple(place), []).append(name)
    return [
        f"{', '.join(group)}: the same position; treated as distinct pulsars"
        for group in groups.values()
        if len(group) > 1
    ]
