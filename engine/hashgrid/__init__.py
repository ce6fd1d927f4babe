"""Multi-resolution hash encodings and their spatial kernel."""

if __name__ != "anisoscope.engine.hashgrid":
    raise ImportError(
        "import this package as anisoscope.engine.hashgrid: a second copy of its modules would appear"
    )

from .errors import InvalidGrid, TableTooLarge
from .grid import HashGrid
from .hashing import hash_multipliers, hash_rows
from .lattice import Lattice, make_lattice
from .levels import Levels, growth_between, level_table
from .rotations import (
    ROTATION_SETS,
    cycle_angles,
    cycle_set,
    golden_angles,
    rotation_matrices,
    rotation_set,
    split_angles,
)
from .split import SplitHashGrid
from .utilisation import TableUtilisation, pixel_centres, table_utilisation

__all__ = [
    "ROTATION_SETS",
    "HashGrid",
    "InvalidGrid",
    "Lattice",
    "Levels",
    "SplitHashGrid",
    "TableTooLarge",
    "TableUtilisation",
    "cycle_angles",
    "cycle_set",
    "golden_angles",
    "growth_between",
    "hash_multipliers",
    "hash_rows",
    "level_table",
    "make_lattice",
    "pixel_centres",
    "rotation_matrices",
    "rotation_set",
    "split_angles",
    "table_utilisation",
]
