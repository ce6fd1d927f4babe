"""Rows of numbers under the controls, written by Python or, under the hand, by the browser alone."""

from __future__ import annotations

from collections.abc import Iterable

import param

from ..control import Readout
from .component import Component


class Readouts(Component):
    """An aligned table of `rows`: dictionaries of label, value, beside and role.

    In the browser `readouts.data.setv({rows}, {sync: false})` redraws the table without the server.
    """

    rows = param.List(default=[], item_type=dict)

    def write(self, readouts: Iterable[Readout]) -> None:
        """Take over the rows of a lens; the same rows again send nothing."""
        rows = [vars(readout) for readout in readouts]
        if rows != self.rows:
            self.put(rows=rows)
