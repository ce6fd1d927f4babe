"""Multi-resolution hash encodings and their spatial kernel."""

if __name__ != "anisoscope.engine.hashgrid":
    raise ImportError(
        "import this package as anisoscope.engine.hashgrid: a second copy of its modules would appear"
    )

from .adviser import Advice, advise, recommended_growth
from .collisions import Partners, collision_map, collision_partners, measured_speckle, speckle_map
from .configurations import GridConfiguration, nerfstudio_configuration, tiny_cuda_nn_configuration
from .errors import InvalidGrid, MissingConfiguration, TableTooLarge
from .fit import FIT_MODES, FitStep, ImageFit, fit_image
from .fixed_points import FixedPoints
from .gradient_flow import gradient_flow_psf
from .grid import HashGrid
from .hashing import hash_multipliers, hash_rows
from .images import as_image, grating, power_spectrum, siemens_star, zone_plate
from .kernels import KERNELS
from .lattice import Lattice, make_lattice
from .levels import Levels, growth_between, level_table
from .log_profile import asymptotic_beta, log_constant, logarithmic_profile
from .maps import point_spread_map
from .optical_transfer import optical_transfer_function, optical_transfer_grid
from .point_spread import point_spread_function, point_spread_levels
from .resolution import two_point_dip, two_point_distance
from .rotations import (
    ROTATION_SETS,
    cycle_angles,
    cycle_set,
    golden_angles,
    rotation_matrices,
    rotation_set,
    split_angles,
)
from .speckle import Speckle, load_factors, speckle_law, speckle_snr, table_size_for_snr
from .split import SplitHashGrid
from .table_files import grid_from_npz, grid_to_npz
from .utilisation import TableUtilisation, pixel_centres, table_utilisation
from .widths import Anisotropy, all_directions, anisotropy, fwhm, half_width

__all__ = [
    "FIT_MODES",
    "KERNELS",
    "ROTATION_SETS",
    "Advice",
    "Anisotropy",
    "FitStep",
    "FixedPoints",
    "GridConfiguration",
    "HashGrid",
    "ImageFit",
    "InvalidGrid",
    "Lattice",
    "Levels",
    "MissingConfiguration",
    "Partners",
    "Speckle",
    "SplitHashGrid",
    "TableTooLarge",
    "TableUtilisation",
    "advise",
    "all_directions",
    "anisotropy",
    "as_image",
    "asymptotic_beta",
    "collision_map",
    "collision_partners",
    "cycle_angles",
    "cycle_set",
    "fit_image",
    "fwhm",
    "golden_angles",
    "gradient_flow_psf",
    "grating",
    "grid_from_npz",
    "grid_to_npz",
    "growth_between",
    "half_width",
    "hash_multipliers",
    "hash_rows",
    "level_table",
    "load_factors",
    "log_constant",
    "logarithmic_profile",
    "make_lattice",
    "measured_speckle",
    "nerfstudio_configuration",
    "optical_transfer_function",
    "optical_transfer_grid",
    "pixel_centres",
    "point_spread_function",
    "point_spread_levels",
    "point_spread_map",
    "power_spectrum",
    "recommended_growth",
    "rotation_matrices",
    "rotation_set",
    "siemens_star",
    "speckle_law",
    "speckle_map",
    "speckle_snr",
    "split_angles",
    "table_size_for_snr",
    "table_utilisation",
    "tiny_cuda_nn_configuration",
    "two_point_dip",
    "two_point_distance",
    "zone_plate",
]
