"""Multi-resolution hash encodings and their spatial kernel."""

if __name__ != "anisoscope.engine.hashgrid":
    raise ImportError(
        "import this package as anisoscope.engine.hashgrid: a second copy of its modules would appear"
    )

from .configurations import GridConfiguration, nerfstudio_configuration, tiny_cuda_nn_configuration
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
from .table_files import grid_from_npz, grid_to_npz
from .utilisation import TableUtilisation, pixel_centres, table_utilisation

__all__ = [
    "ROTATION_SETS",
    "GridConfiguration",
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
    "grid_from_npz",
    "grid_to_npz",
    "growth_between",
    "hash_multipliers",
    "hash_rows",
    "level_table",
    "make_lattice",
    "nerfstudio_configuration",
    "pixel_centres",
    "rotation_matrices",
    "rotation_set",
    "split_angles",
    "table_utilisation",
    "tiny_cuda_nn_configuration",
]
