"""Releases the first brake: Bokeh leaves Nagle's algorithm on, a stall of about 40 ms at every answer.

Private attributes of Bokeh are touched here and nowhere else; `constraints.txt` pins the version and
a test measures the socket.
"""

from __future__ import annotations

import functools
import socket

from bokeh.server.views.ws import WSHandler


def release_nagle() -> None:
    """Make every websocket opened from now on send small messages at once. Safe to call twice."""
    opened = WSHandler.open
    if getattr(opened, "sends_at_once", False):
        return

    @functools.wraps(opened)
    def open_without_delay(self: WSHandler) -> object:
        self.set_nodelay(True)
        return opened(self)

    open_without_delay.sends_at_once = True  # type: ignore[attr-defined]
    WSHandler.open = open_without_delay  # type: ignore[method-assign]


def nodelay(handler: WSHandler) -> bool:
    """Whether a websocket's socket has TCP_NODELAY set."""
    stream = handler.ws_connection.stream if handler.ws_connection else None  # type: ignore[union-attr]
    if stream is None or stream.socket is None:
        return False
    return bool(stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
