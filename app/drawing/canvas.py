"""The pane that holds a drawn figure."""

from __future__ import annotations

from typing import Any

import panel as pn
from bokeh.document import Document
from bokeh.model import Model


class Canvas(pn.pane.Bokeh):
    """A Bokeh figure as it is.

    Panel's own pane searches every model of the figure for callbacks and themes, a third of a second for a
    full lens; our figures come styled and dispatch their own events.
    """

    def _get_model(
        self, doc: Document, root: Model | None = None, parent: Model | None = None, comm: Any = None
    ) -> Model:
        if root is None:
            return self.get_root(doc, comm)
        self._models[root.ref["id"]] = (self.object, parent)
        return self.object
