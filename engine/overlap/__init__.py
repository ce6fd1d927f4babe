"""Overlap reduction functions of pulsar pairs under an anisotropic gravitational-wave sky.

Mingarelli et al. (2013), arXiv:1306.5394; Taylor & Gair (2013), arXiv:1306.5395; what is ours is marked so.
"""

if __name__ != "anisoscope.engine.overlap":
    raise ImportError(
        "import this package as anisoscope.engine.overlap: a second copy of its modules would appear"
    )

from .antenna import antenna_patterns, pair_response
from .autocorrelation import autocorrelation, overlap_matrix
from .chains import effective_sample_size, potential_scale_reduction
from .clebsch import product_tensor
from .compression import Compressed, compress, log_likelihood, project
from .conventions import CONVENTIONS, convert
from .detection import (
    AnisotropySnr,
    DetectionCurve,
    anisotropy_snr,
    detection_probability,
    detection_threshold,
    null_distribution,
    simulate_compressed,
    threshold_interval,
    wilson_interval,
)
from .harmonics import real_harmonics
from .healpix import nearest_pixel, nside_of, pixel_directions
from .hot_spot import hot_spot, hot_spot_power
from .isotropic import cosmic_variance, hellings_downs, hellings_downs_legendre
from .maps import (
    MaximumLikelihoodMap,
    PrincipalMaps,
    RadiometerMap,
    dirty_map,
    fisher_matrix,
    fisher_spectrum,
    maximum_likelihood,
    pixel_response,
    principal_maps,
    radiometer,
)
from .optimal import (
    BinnedCorrelations,
    MultiComponent,
    OptimalStatistic,
    binned,
    multi_component,
    optimal_statistic,
)
from .pair_frame import gamma_lm
from .pair_table import L_MAX
from .par_files import read_par_folder
from .pixel_map import overlap_from_map, overlap_from_point_sources
from .placement import PlacementMap, fisher_figure, placement_map
from .positivity import NegativeSkyError, minimum_power, require_physical
from .posterior import Posterior, linear_posterior, square_root_posterior
from .pulsars import PulsarArray, PulsarFileError, position_warnings, read_csv, to_csv, uniform
from .simulate import pair_covariance, sigma_for_snr, simulate_pairs
from .skies import (
    angular_power,
    dipole,
    equal_sources,
    evaluate,
    from_map,
    isotropic,
    point_sources,
    quadrupole,
    random_from_spectrum,
)
from .sky_frame import overlap_from_coefficients, overlap_harmonics, separations
from .square_root import SquareRootFit, coefficients_of_root, square_root_fit

__all__ = [
    "CONVENTIONS",
    "L_MAX",
    "AnisotropySnr",
    "BinnedCorrelations",
    "Compressed",
    "DetectionCurve",
    "MaximumLikelihoodMap",
    "MultiComponent",
    "NegativeSkyError",
    "OptimalStatistic",
    "PlacementMap",
    "Posterior",
    "PrincipalMaps",
    "PulsarArray",
    "PulsarFileError",
    "RadiometerMap",
    "SquareRootFit",
    "angular_power",
    "anisotropy_snr",
    "antenna_patterns",
    "autocorrelation",
    "binned",
    "coefficients_of_root",
    "compress",
    "convert",
    "cosmic_variance",
    "detection_probability",
    "detection_threshold",
    "dipole",
    "dirty_map",
    "effective_sample_size",
    "equal_sources",
    "evaluate",
    "fisher_figure",
    "fisher_matrix",
    "fisher_spectrum",
    "from_map",
    "gamma_lm",
    "hellings_downs",
    "hellings_downs_legendre",
    "hot_spot",
    "hot_spot_power",
    "isotropic",
    "linear_posterior",
    "log_likelihood",
    "maximum_likelihood",
    "minimum_power",
    "multi_component",
    "nearest_pixel",
    "nside_of",
    "null_distribution",
    "optimal_statistic",
    "overlap_from_coefficients",
    "overlap_from_map",
    "overlap_from_point_sources",
    "overlap_harmonics",
    "overlap_matrix",
    "pair_covariance",
    "pair_response",
    "pixel_directions",
    "pixel_response",
    "placement_map",
    "point_sources",
    "position_warnings",
    "potential_scale_reduction",
    "principal_maps",
    "product_tensor",
    "project",
    "quadrupole",
    "radiometer",
    "random_from_spectrum",
    "read_csv",
    "read_par_folder",
    "real_harmonics",
    "require_physical",
    "separations",
    "sigma_for_snr",
    "simulate_compressed",
    "simulate_pairs",
    "square_root_fit",
    "square_root_posterior",
    "threshold_interval",
    "to_csv",
    "uniform",
    "wilson_interval",
]
