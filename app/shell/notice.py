"""Says when the connection is lost and brings the page back with its state once the server answers."""

from __future__ import annotations

from typing import Any

import param

from .component import Component


class Notice(Component):
    """Put one on a served page; unseen until the websocket closes or stays silent.

    The browser asks the server until it answers, then loads the address as it stands: it holds the state.
    A sleeping laptop is found out by a message that gets no echo.
    """

    every = param.Integer(default=30_000, doc="Milliseconds between two messages that ask for an echo.")
    patience = param.Integer(default=30_000, doc="Milliseconds to wait for the echo.")

    def _handle_msg(self, data: Any) -> None:
        self._send_msg(data)
