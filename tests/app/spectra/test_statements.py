"""Words of the lens that quote a training: whose numbers they are, and what they do not claim."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from recorded import written

from anisoscope.app.lenses.spectra import SpectraLens
from anisoscope.app.lenses.spectra.choices import METRICS
from anisoscope.app.numbers import shown

LENS = SpectraLens()


def spoken(**values: Any) -> tuple[str, Any, Any]:
    """All claims in one text, the table and the frame."""
    request = LENS.validated({"steps": 20, "take": 95, **values})
    frame = LENS.compute(request)
    claims = " ".join(f"{c.text} {c.paper} {c.ours}" for c in LENS.claims(request, frame))
    return claims, LENS.table(request, frame), frame


def test_the_ranks_that_are_quoted_are_those_of_the_lanes() -> None:
    claims, _, frame = spoken()
    for k, name in enumerate(("Muon", "AdamW"), start=1):
        assert f"{name} {shown(frame.facts[f'lead_median_{k}'])}" in claims
    assert "one network, one seed" in claims
    assert "not flat" in claims and "not flat" not in spoken(optimizer_1="sgd")[0]


@pytest.mark.parametrize("slug", ["fismo", "lanton", "aro"])
def test_what_could_not_be_read_in_a_paper_is_said_where_it_is_used(slug: str) -> None:
    assert "our reading" in spoken(optimizer_2=slug, rate_2=1e-3)[0]
    assert "our reading" not in spoken()[0]


def test_the_number_of_polargrad_is_that_of_the_lane_that_is_polargrad() -> None:
    given = {
        "problem": "regression",
        "optimizer_1": "muon",
        "rate_1": 0.1,
        "optimizer_2": "adam",
        "rate_2": 0.05,
    }
    claims, _, frame = spoken(**given, optimizer_3="polargrad", rate_3=2e-6)
    assert f"{shown(frame.facts['gap_3'])} PolarGrad" in claims
    claims, _, frame = spoken(**given, optimizer_3="soap", rate_3=1e-3)
    assert f"{shown(frame.facts['gap_3'])} PolarGrad" not in claims


def test_a_recording_is_not_said_to_be_muon(tmp_path: Path) -> None:
    lens = SpectraLens()
    lens.restore(lens.open_file("mine.spec", written(tmp_path / "mine.spec", range(10, 60, 10))))
    frame = lens.compute()
    claims = " ".join(c.text for c in lens.claims(lens.request(), frame))
    assert (
        "Muon" not in claims
        and "PolarGrad" not in claims
        and "mine" in str(lens.claims(lens.request(), frame))
    )
    table = lens.table(lens.request(), frame)
    assert table is not None and table.rows[0][0] == "mine" and len(table.headings) == 4


def test_the_table_says_where_each_lane_ended_and_its_columns_can_be_copied() -> None:
    _, table, frame = spoken(metric="flatness")
    words = next(text for text, name in METRICS.items() if name == "flatness")
    assert table.headings[:2] == ["Lane", "state"] and any(words in h for h in table.headings)
    assert {"full loss", "accuracy"} <= set(table.headings)
    assert all(len(row) == len(table.headings) == len(table.copies) for row in table.rows)
    copied = table.copies[table.headings.index("accuracy")].split("\n")
    assert [float(c) for c in copied] == [frame.facts["accuracy_1"], frame.facts["accuracy_2"]]


def test_the_card_names_the_matrix_that_is_looked_at() -> None:
    for layer, title in ((1, "96 × 64"), (3, "10 × 96"), (9, "10 × 96")):
        request = LENS.validated({"steps": 20, "take": 95, "layer": layer})
        card = LENS.card(request, LENS.compute(request))
        assert card is not None and card.text == title and card.heading == f"Matrix {min(layer, 3)} of 3"
    request = LENS.validated({"view": "polar"})
    assert LENS.card(request, LENS.compute(request)) is None
