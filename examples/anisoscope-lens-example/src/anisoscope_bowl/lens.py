"""The lens *Down a bowl*: parameters, frames, figures, controls."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import param

from anisoscope.app.control import Claim, Dial, Group, Readout, Transport
from anisoscope.app.figure import Axis, Figure, Key, Layer, Style
from anisoscope.app.frame import Columns, Frame
from anisoscope.app.lens import Lens, Paper
from anisoscope.app.numbers import shown
from anisoscope.app.request import Request

from .descent import START, best_step, descend, height, rate

STEPS = 60
LOWEST = -12.0
"""Heights below 10⁻¹² of the start are drawn there."""

GOH = Paper(
    short="Goh 2017",
    arxiv="",
    page="https://doi.org/10.23915/distill.00006",
    bibtex="""@article{goh2017why,
  title   = {Why Momentum Really Works},
  author  = {Goh, Gabriel},
  journal = {Distill},
  year    = {2017},
  doi     = {10.23915/distill.00006}
}""",
)


class BowlLens(Lens):
    """A path down a bowl that is steeper one way than the other."""

    slug = "bowl"
    title = "Down a bowl"
    hook = (
        "Walk down a valley that is steep across and flat along: the step that is safe across is slow along."
    )
    field = "Optimisation"
    papers = (GOH,)
    lede = ("Drag the step", "over 2/λₘₐₓ. The path across the valley grows instead of shrinking.")
    primary = "step"
    second = "condition"
    client_side = frozenset({"iterate"})

    step = param.Number(default=0.95, bounds=(0.02, 1.2), doc="Step size in units of 2/λ_max.")
    condition = param.Number(default=20.0, bounds=(1.0, 1000.0), doc="Condition number λ_max/λ_min.")
    iterate = param.Integer(default=STEPS, bounds=(0, STEPS), doc="Step that is looked at.")

    def frames(self, request: Request) -> Iterator[Frame]:
        step, condition = request["step"], request["condition"]
        places = descend(step, condition, STEPS)
        heights = height(places, condition) / height(np.array(START), condition)
        steepest = rate(step, condition)
        tables: dict[str, Columns] = {
            "levels": _levels(condition),
            "path": {"x": places[:, 0], "y": places[:, 1]},
            "heights": {"x": np.arange(STEPS + 1.0), "y": _logarithm(heights)},
            "law": {
                "x": np.array([0.0, STEPS]),
                "y": np.array([0.0, 2 * STEPS * math.log10(max(steepest, 1e-9))]),
            },
        }
        best = rate(best_step(condition), condition)
        facts = {
            "rate": steepest,
            "best_rate": best,
            "best_step": best_step(condition),
            "fell_to": heights[-1],
        }
        yield Frame(tables, {name: float(fact) for name, fact in facts.items()})

    def hand(self, request: Request, frame: Frame) -> dict[str, Columns]:
        at, path = request["iterate"], frame.tables["path"]
        return {
            "here": {"x": path["x"][at : at + 1], "y": path["y"][at : at + 1]},
            "at": {"x": np.array([float(at)])},
        }

    def figures(self, frame: Frame) -> tuple[Figure, ...]:
        bowl = Figure(
            "bowl",
            "Path across the levels",
            [
                Layer("levels", "path", Style("line", "fine")),
                Layer("path", "curve", Style("blue", "current")),
                Layer("path", "points", Style("blue", "dots")),
                Layer("here", "points", Style("hand", "handle"), above=True),
            ],
            Axis("along, x", (-1.15, 1.15), ((-1, "−1"), (0, "0"), (1, "1"))),
            Axis("across, y", (-0.65, 0.65), ((-0.5, "−0.5"), (0, "0"), (0.5, "0.5"))),
            legend=(Key("iterates", "dot", "blue"), Key("the one looked at", "handle", "hand")),
            size="hero",
            aria="Ellipses of equal height, and the zigzag of the descent from the upper right towards their centre.",
        )
        fall = Figure(
            "fall",
            "Height over the start",
            [
                Layer("law", "curve", Style("blue", "bound")),
                Layer("heights", "curve", Style("blue", "exact")),
                Layer("at", "vlines", Style("hand", "fine"), above=True),
            ],
            Axis("step", (0, STEPS), ((0, "0"), (20, "20"), (40, "40"), (60, "60"))),
            Axis("height", (LOWEST, 6), ((-12, "10⁻¹²"), (-6, "10⁻⁶"), (0, "1"), (6, "10⁶"))),
            legend=(Key("computed", "line", "blue"), Key("slower direction alone", "bound", "blue")),
            aria="Height of the iterates on a logarithmic scale beside the straight line of the slower direction.",
        )
        return bowl, fall

    def controls(self) -> tuple[Group, ...]:
        ticks = ((0.5, "1/λₘₐₓ"), (1.0, "2/λₘₐₓ"))
        condition = Dial("condition", "Condition number κ", ((1, "1"), (20, "20"), (1000, "1000")), log=True)
        return (
            Group((Dial("step", "Step η, in 2/λₘₐₓ", ticks, primary=True),)),
            Group((condition, Dial("iterate", "Iterate"), Transport("iterate")), "Bowl and path"),
        )

    def readouts(self, request: Request, frame: Frame) -> tuple[Readout, ...]:
        facts = frame.facts
        return (
            Readout("factor a step", shown(facts["rate"]), role="blue"),
            Readout("best, its factor", shown(facts["best_step"]), shown(facts["best_rate"])),
            Readout(f"height after {STEPS}", shown(facts["fell_to"])),
        )

    def claims(self, request: Request, frame: Frame) -> tuple[Claim, ...]:
        condition = request["condition"]
        return (
            Claim(
                "The best factor a step is (κ − 1)/(κ + 1).",
                "Goh 2017",
                shown((condition - 1) / (condition + 1)),
                shown(frame.facts["best_rate"]),
                "agrees",
            ),
        )


def _levels(condition: float) -> dict[str, Any]:
    """Ellipses of equal height."""
    angle = np.linspace(0, 2 * math.pi, 121)
    radii = np.geomspace(0.05, 1.6, 7)
    return {
        "xs": [radius * np.cos(angle) * math.sqrt(condition) / 2 for radius in radii],
        "ys": [radius * np.sin(angle) / 2 for radius in radii],
    }


def _logarithm(heights: np.ndarray) -> np.ndarray:
    return np.log10(np.maximum(heights, 10**LOWEST))
