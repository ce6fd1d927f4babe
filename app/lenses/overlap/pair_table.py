"""The selected pair's Γ_lm as other codes write it, to read off and to copy."""

from __future__ import annotations

import torch

from ...control import Table
from ...frame import Frame
from ...request import Request
from .conventions import COLUMNS, HEADINGS, convention_columns, convention_rows

SHOWN_DEGREE = 3
"""Degrees written out; copying takes all up to the highest shown."""


def table(request: Request, frame: Frame) -> Table | None:
    """Γ_lm of the pair in every convention; None before a pair was computed."""
    if "pair_values" not in frame.tables:
        return None
    values = torch.as_tensor(frame.tables["pair_values"]["gamma_lm"], dtype=torch.float64)
    l_max = request["l_max"]
    columns = convention_columns(values, l_max)
    lists = [str(columns[name].tolist()) for name, _, _ in COLUMNS]
    first, second = frame.facts["pair_names"]
    return Table(
        title=f"Γₗₘ of {first} × {second} in your convention",
        note=f"sky frame; copied lists run over l² + l + m up to l = {l_max}",
        headings=HEADINGS,
        rows=convention_rows(values, min(SHOWN_DEGREE, l_max)),
        copies=("", "", *lists),
    )
