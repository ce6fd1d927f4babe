"""Problems to train on: small, seeded, offline; each a loss, its starting weights and its batches.

PolarGrad's three, arXiv:2505.21799; Sven's two, arXiv:2604.01279; digits and characters of our own.
"""

if __name__ != "anisoscope.engine.problems":
    raise ImportError(
        "import this package as anisoscope.engine.problems: a second copy of its modules would appear"
    )

from .catalogue import PROBLEMS, problem_class
from .character_transformer import CharacterTransformer
from .decoder import Decoder
from .digits_mlp import DigitsMLP
from .edge_of_stability import EdgeOfStability, edge_of_stability, edge_of_stability_in_parts
from .errors import InvalidProblem, UnknownProblem
from .logistic_regression import LogisticRegression
from .low_rank_completion import FactorModel, LowRankCompletion
from .matrix_regression import Curvature, MatrixModel, MatrixRegression
from .problem import Problem
from .sven_regressions import SvenPolynomial, SvenToy

__all__ = [
    "PROBLEMS",
    "CharacterTransformer",
    "Curvature",
    "Decoder",
    "DigitsMLP",
    "EdgeOfStability",
    "FactorModel",
    "InvalidProblem",
    "LogisticRegression",
    "LowRankCompletion",
    "MatrixModel",
    "MatrixRegression",
    "Problem",
    "SvenPolynomial",
    "SvenToy",
    "UnknownProblem",
    "edge_of_stability",
    "edge_of_stability_in_parts",
    "problem_class",
]
