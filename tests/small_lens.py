"""A lens that is drawn at once: for tests of what every lens has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import param

from anisoscope.app import uploads
from anisoscope.app.control import Action, Choice, Dial, Group
from anisoscope.app.figure import Axis, Figure, Layer, Style
from anisoscope.app.frame import Frame
from anisoscope.app.lens import Lens
from anisoscope.app.request import Request
from anisoscope.app.uploads import Upload


class Training(Lens):
    """A training of `steps` steps: the dial `step` ends where the training has come to."""

    slug = "training"
    title = "Training"
    client_side = frozenset({"step", "parity"})
    rate = param.Number(1.0, bounds=(0.0, 100.0))
    method = param.Selector(default="a", objects=["a", "b"])
    steps = param.Integer(1, bounds=(1, 100))
    step = param.Integer(100, bounds=(0, 100))
    parity = param.Integer(0, bounds=(0, 1))
    weights = Upload(default="")

    @param.depends("step", watch=True)
    def _follow(self) -> None:
        self.parity = self.step % 2

    def frames(self, request: Request) -> Iterator[Frame]:
        for count in range(1, request["steps"] + 1):
            yield Frame(
                {"line": {"x": np.arange(2.0), "y": np.ones(2)}}, {"last": count}, (count, request["steps"])
            )

    def figures(self, frame: Frame) -> tuple[Figure, ...]:
        layer = Layer("line", "curve", Style("blue", "current"))
        return (Figure("line", "Line", [layer], Axis("x", (0, 1)), Axis("y", (0, 1)), aria="a line"),)

    def controls(self) -> tuple[Group, ...]:
        dials = Dial("rate", "Rate", primary=True), Dial("step", "Step", end="last")
        return (Group((*dials, Choice("method", "Method"), Action("faster", "Faster"))),)

    def act(self, name: str) -> dict[str, Any]:
        return {"rate": self.rate * 2, "steps": 1}

    def open_file(self, name: str, content: bytes) -> dict[str, Any]:
        return {"weights": uploads.keep(name, content), "rate": 3.0}
