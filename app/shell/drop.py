"""Files dropped on the page or chosen: checked by kind and size on both sides, sent in pieces."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

import param

from ..uploads import LARGEST_DROP
from .component import Component


class DropZone(Component):
    """Takes one file at a time and hands its bytes to Python.

    The websocket refuses large messages, so the browser sends pieces of at most 512 kB. Kind and
    size are checked again here: what a browser sends is not to be trusted.
    """

    label = param.String(default="Drop a file here, or choose one")
    accept = param.List(default=[".json", ".npz"], item_type=str, doc="Endings of file names.")
    max_bytes = param.Integer(default=LARGEST_DROP)
    message = param.String(default="", doc="What became of the last file, in words.")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._callbacks: list[Callable[[str, bytes], None]] = []
        self._pieces: list[bytes] = []

    def on_file(self, callback: Callable[[str, bytes], None]) -> None:
        """Call `callback(name, content)` for every complete file."""
        self._callbacks.append(callback)

    def _handle_msg(self, data: Any) -> None:
        name = PurePath(str(data["name"])).name
        if data["index"] == 0:
            self._pieces = []
        refusal = self._refusal(name, data)
        if refusal:
            self._pieces = []
            self.message = refusal
            return
        self._pieces.append(base64.b64decode(data["piece"], validate=True))
        if len(self._pieces) == data["pieces"]:
            content, self._pieces = b"".join(self._pieces), []
            self.message = f"{name} read"
            for callback in self._callbacks:
                callback(name, content)

    def _refusal(self, name: str, data: dict[str, Any]) -> str:
        if PurePath(name).suffix.lower() not in self.accept:
            return f"{name}: must end in {' or '.join(self.accept)}"
        size = sum(map(len, self._pieces)) + len(data["piece"]) * 3 // 4 - 2
        if size > self.max_bytes:
            return f"{name}: at most {self.max_bytes / 1e6:g} MB"
        if data["index"] != len(self._pieces):
            return f"{name}: piece {data['index']} came out of order; drop it again"
        return "" if _is_base64(data["piece"]) else f"{name}: was damaged on the way; drop it again"


def _is_base64(text: Any) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        return False
    return True
