"""Optimisers that move matrices as matrices: `torch.optim.Optimizer` subclasses that never change `p.grad`.

Muon (Jordan et al., 2024); PolarGrad, arXiv:2505.21799; Sven, arXiv:2604.01279.
"""

if __name__ != "anisoscope.engine.optimizers":
    raise ImportError(
        "import this package as anisoscope.engine.optimizers: a second copy of its modules would appear"
    )

from .errors import CorruptingOptimizer, InvalidGradient, InvalidLoss, InvalidOption, InvalidParameter
from .matrix_optimizer import MatrixOptimizer, matrix_groups
from .muon import SCALES, Muon, muon_scale
from .polargrad import PolarGrad
from .sven import Sven, SvenStep
from .torch_muon import refuse_corrupting_muon

__all__ = [
    "SCALES",
    "CorruptingOptimizer",
    "InvalidGradient",
    "InvalidLoss",
    "InvalidOption",
    "InvalidParameter",
    "MatrixOptimizer",
    "Muon",
    "PolarGrad",
    "Sven",
    "SvenStep",
    "matrix_groups",
    "muon_scale",
    "refuse_corrupting_muon",
]
