"""The problems by their slugs."""

from .character_transformer import CharacterTransformer
from .digits_mlp import DigitsMLP
from .errors import UnknownProblem
from .logistic_regression import LogisticRegression
from .low_rank_completion import LowRankCompletion
from .matrix_regression import MatrixRegression
from .problem import Problem
from .sven_regressions import SvenPolynomial, SvenToy

PROBLEMS: dict[str, type[Problem]] = {
    problem.slug: problem
    for problem in (
        DigitsMLP,
        CharacterTransformer,
        MatrixRegression,
        LogisticRegression,
        LowRankCompletion,
        SvenToy,
        SvenPolynomial,
    )
}


def problem_class(slug: str) -> type[Problem]:
    """The class of this slug.

    Raises:
        UnknownProblem: (a ValueError) naming the slugs there are.

    >>> problem_class("low-rank-completion").__name__
    'LowRankCompletion'
    """
    if slug not in PROBLEMS:
        raise UnknownProblem(f"problem is {slug!r}: one of {', '.join(PROBLEMS)} is needed")
    return PROBLEMS[slug]
