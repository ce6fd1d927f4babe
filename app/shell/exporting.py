"""The export button: figures, tables and request in one zip, written on a thread of its own."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import param

from ..threads import beside
from .component import Component


class ExportButton(Component):
    """Asks Python for a zip and hands it to the browser as a download.

    Attributes:
        asked: counted up by the browser at every press.
        busy: words shown while the zip is being written, empty otherwise.
        parcel: {"name", "data" (base64), "serial"} of the finished zip.
    """

    asked = param.Integer(default=0)
    busy = param.String(default="")
    parcel = param.Dict(default={})

    def _show(self, **values: Any) -> None:
        self.param.update(**values)

    def connect(
        self, make: Callable[[], tuple[str, bytes]], call: Callable[[Callable[[], None]], None]
    ) -> None:
        """`make` writes (file name, bytes) on a thread; `call` runs what changes the page where it is allowed."""

        def work() -> None:
            try:
                name, data = make()
            except Exception as error:
                words = f"Export failed: {error}"
                call(lambda: self._show(busy=words))
                return
            parcel = {"name": name, "data": base64.b64encode(data).decode(), "serial": self.asked}
            call(lambda: self._show(busy="", parcel=parcel))

        def pressed(_event: object) -> None:
            if not self.busy or self.busy.startswith("Export failed"):
                self.busy = "Drawing figures…"
                beside(work, "export")

        self.param.watch(pressed, "asked")
