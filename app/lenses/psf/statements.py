"""Words of the lens that quote a frame."""

from __future__ import annotations

from ...control import Claim, Readout, Table
from ...frame import Frame
from ...numbers import shown
from ...request import Request
from . import fit_words
from .words_beside import VIEWS as _BESIDE
from .words_beside import beside

DAI = "Dai & Fan 2026; secondary sources, the paper was not read"


def readouts(request: Request, frame: Frame) -> tuple[Readout, ...]:
    """Widths in mean cells: of the grid, and turned."""
    facts = frame.facts
    if request["view"] == "fit":
        return fit_words.readouts(facts)
    if request["view"] in _BESIDE:
        return beside(request["view"], facts)
    if request["view"] != "kernel" or "plain_axis" not in facts:
        return ()
    turned = facts["turned"]

    def row(label: str, name: str) -> Readout:
        beside = shown(facts[f"turned_{name}"]) if turned else ""
        return Readout(label, shown(facts[f"plain_{name}"]), beside)

    rows = [Readout("FWHM · N_avg", "grid", "turned" if turned else "", "ink2"), row("axis", "axis")]
    rows += [row("diagonal", "diagonal"), row("largest / smallest", "ratio")]
    if facts.get("plain_ratio_3d") is not None:
        rows.append(row("the same, all directions", "ratio_3d"))
    if facts.get("limit_ratio") is not None:
        rows.append(
            Readout("limit of many levels", shown(facts["limit_axis"]), shown(facts["limit_diagonal"]))
        )
    rows.append(Readout("N_avg, finest", shown(facts["average"]), shown(facts["finest"])))
    return tuple(rows)


def table(request: Request, frame: Frame) -> Table | None:
    """Numbers to copy."""
    return fit_words.table(frame.facts) if request["view"] == "fit" else None


def claims(request: Request, frame: Frame) -> tuple[Claim, ...]:
    """What is claimed, and what is found here."""
    facts = frame.facts
    if request["view"] == "fit":
        return fit_words.claims(facts)
    if request["view"] != "kernel" or "plain_ratio" not in facts:
        return ()
    return (
        Claim(
            "The anisotropy of 1.17 is that of a lit point on a node of all levels, wider along the axes; in mid-cell it "
            "is the diagonals, over all places it is 1.008",
            DAI,
            "1.17",
            f"√(e/2) = 1.166; {shown(facts['plain_ratio'])} in this state",
        ),
        Claim(
            "A width of 3.0 mean cells under Adam",
            DAI,
            "β ≈ 3.0",
            "8 e^(−3/2) = 1.785 for sign descent, over all places",
            "disagrees",
        ),
        Claim(
            "The width follows the mean resolution, not the finest: for single points; under dense supervision it "
            "shrinks to a pixel",
            DAI,
            "FWHM ∝ 1/N_avg",
            "β within 2 % over all places",
            "agrees",
        ),
    )
