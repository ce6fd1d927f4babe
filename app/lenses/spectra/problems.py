"""The problems the lens offers, made once, and the settings each of them opens with."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
import torch

from anisoscope.engine import problems
from anisoscope.engine.problems import Problem


@dataclass(frozen=True)
class Setting:
    """How a problem opens: steps, matrix, and (optimiser, learning rate, schedule) by lane."""

    steps: int
    layer: int
    lanes: tuple[tuple[str, float, str], ...]


SETTINGS = {
    "digits": Setting(240, 2, (("muon", 0.02, "constant"), ("adamw", 1e-3, "constant"))),
    "text": Setting(300, 1, (("muon", 0.02, "constant"), ("adamw", 3e-3, "constant"))),
    "regression": Setting(
        400, 1, (("muon", 0.1, "constant"), ("adam", 0.05, "constant"), ("polargrad", 2e-6, "constant"))
    ),
    "regression_paper": Setting(
        400, 1, (("muon", 0.1, "constant"), ("adam", 0.05, "constant"), ("polargrad", 3e-8, "constant"))
    ),
    "logistic": Setting(
        600, 1, (("muon", 0.05, "constant"), ("adam", 5e-3, "constant"), ("polargrad", 1e-6, "constant"))
    ),
    "logistic_paper": Setting(
        200, 1, (("muon", 0.1, "constant"), ("adam", 5e-3, "constant"), ("polargrad", 1.5e-7, "constant"))
    ),
    "completion": Setting(
        300, 1, (("muon", 0.25, "constant"), ("adam", 0.05, "constant"), ("polargrad", 25.0, "constant"))
    ),
    "completion_live": Setting(
        300, 1, (("muon", 0.25, "constant"), ("adam", 0.05, "constant"), ("polargrad", 10.0, "constant"))
    ),
    "sven_toy": Setting(320, 2, (("sven", 0.05, "constant"), ("adam", 1e-2, "constant"))),
    "sven_polynomial": Setting(320, 2, (("sven", 0.1, "constant"), ("adam", 1e-2, "constant"))),
}


@lru_cache(maxsize=4)
def problem_of(slug: str) -> Problem:
    """The problem of this name; the same object as long as it is in use."""
    return _MAKERS[slug]()


def _digits() -> Problem:
    source = resources.files("anisoscope.assets").joinpath("ghosts", "digits.npz")
    with np.load(io.BytesIO(source.read_bytes()), allow_pickle=False) as archive:
        images, labels = archive["images"], archive["labels"]
    return problems.DigitsMLP(
        torch.from_numpy(images.astype(np.float32)).reshape(len(images), -1) / 16,
        torch.from_numpy(labels.astype(np.int64)),
    )


def _text() -> Problem:
    source = resources.files("anisoscope.assets").joinpath("spectra", "data", "python_help_topics.txt")
    return problems.CharacterTransformer(source.read_text(encoding="ascii"))


def _authors() -> torch.dtype:
    """PolarGrad's authors run their problems in float32, and their two steps of QDWH do much better there."""
    return torch.float32


_MAKERS: dict[str, Callable[[], Problem]] = {
    "digits": _digits,
    "text": _text,
    "regression": lambda: problems.MatrixRegression("small"),
    "regression_paper": lambda: problems.MatrixRegression("paper", dtype=_authors()),
    "logistic": lambda: problems.LogisticRegression("live"),
    "logistic_paper": lambda: problems.LogisticRegression("paper"),
    "completion": lambda: problems.LowRankCompletion("paper", dtype=_authors()),
    "completion_live": lambda: problems.LowRankCompletion("live"),
    "sven_toy": lambda: problems.SvenToy(),
    "sven_polynomial": lambda: problems.SvenPolynomial(),
}
