"""Optimisers that move matrices as matrices: `torch.optim.Optimizer` subclasses that never change `p.grad`.

Muon (Jordan et al., 2024); PolarGrad, arXiv:2505.21799; Sven, arXiv:2604.01279;
Shampoo, arXiv:1802.09568; SOAP, arXiv:2409.11321; and, as we read them, FISMO, arXiv:2601.21750; LANTON,
arXiv:2510.14009; ARO, arXiv:2602.09006.
"""

if __name__ != "anisoscope.engine.optimizers":
    raise ImportError(
        "import this package as anisoscope.engine.optimizers: a second copy of its modules would appear"
    )

from .aro import Aro
from .errors import CorruptingOptimizer, InvalidGradient, InvalidLoss, InvalidOption, InvalidParameter
from .fismo import Fismo
from .lanton import Lanton
from .matrix_optimizer import MatrixOptimizer, matrix_groups
from .muon import SCALES, Muon, muon_scale
from .polargrad import PolarGrad
from .shampoo import Shampoo
from .soap import Soap
from .sven import Sven, SvenStep
from .torch_muon import refuse_corrupting_muon

__all__ = [
    "SCALES",
    "Aro",
    "CorruptingOptimizer",
    "Fismo",
    "InvalidGradient",
    "InvalidLoss",
    "InvalidOption",
    "InvalidParameter",
    "Lanton",
    "MatrixOptimizer",
    "Muon",
    "PolarGrad",
    "Shampoo",
    "Soap",
    "Sven",
    "SvenStep",
    "matrix_groups",
    "muon_scale",
    "refuse_corrupting_muon",
]
