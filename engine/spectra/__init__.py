"""Singular-value spectra of weights, gradients, momenta and updates: measures, their limits, a recorder.

Every measure is a function of the singular values; what each owes to whom stands in its docstring.
"""

if __name__ != "anisoscope.engine.spectra":
    raise ImportError(
        "import this package as anisoscope.engine.spectra: a second copy of its modules would appear"
    )

from .errors import InvalidMatrix, InvalidRecorder, InvalidSpectrum
from .export import export_csv, export_npz
from .follow import RunFollower
from .marchenko_pastur import MarchenkoPasturEdge, bulk_variance, marchenko_pastur_edge, outlier_count
from .metrics import (
    condition_over_median,
    effective_rank,
    flatness,
    nuclear_rank,
    participation_ratio,
    rankme,
    stable_rank,
    svd_entropy,
)
from .power_law import alpha_req
from .recorder import SpectraRecorder
from .rotation import Rotation
from .run import SpectraRun
from .snapshot import Status
from .spectrum import believed, resolution, resolved, spectrum
from .subspaces import Alignment, alignment, basis_overlap, subspace_overlap, top_subspace
from .tables import spectra_run

__all__ = [
    "Alignment",
    "InvalidMatrix",
    "InvalidRecorder",
    "InvalidSpectrum",
    "MarchenkoPasturEdge",
    "Rotation",
    "RunFollower",
    "SpectraRecorder",
    "SpectraRun",
    "Status",
    "alignment",
    "alpha_req",
    "basis_overlap",
    "believed",
    "bulk_variance",
    "condition_over_median",
    "effective_rank",
    "export_csv",
    "export_npz",
    "flatness",
    "marchenko_pastur_edge",
    "nuclear_rank",
    "outlier_count",
    "participation_ratio",
    "rankme",
    "resolution",
    "resolved",
    "spectra_run",
    "spectrum",
    "stable_rank",
    "subspace_overlap",
    "svd_entropy",
    "top_subspace",
]
