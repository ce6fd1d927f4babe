"""A table of numbers under the figures, each of its columns to be copied whole."""

from __future__ import annotations

import param

from .component import Component


class Table(Component):
    """Rows of text under headings; a button on a heading copies what `copies` holds for it.

    Attributes:
        title, note: the line above.
        headings: of the columns.
        rows: texts, one list for each row.
        copies: for each column what its button copies; empty for a column without one.
    """

    title = param.String(default="")
    note = param.String(default="")
    headings = param.List(default=[])
    rows = param.List(default=[])
    copies = param.List(default=[])
