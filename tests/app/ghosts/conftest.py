"""The lens and its opening frame, made once for all tests of this folder; no test moves their parameters."""

from __future__ import annotations

import pytest

from anisoscope.app.frame import Frame
from anisoscope.app.lenses.ghosts import GhostsLens


@pytest.fixture(scope="session")
def lens() -> GhostsLens:
    return GhostsLens()


@pytest.fixture(scope="session")
def opening(lens: GhostsLens) -> Frame:
    return lens.compute()
