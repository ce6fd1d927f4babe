"""Files a reader brings, as part of a lens's state.

A parameter holds a file's token, its name and the hash of its content; a link carries the token, a request.json
the file itself. The content stays in this process, the oldest first to go when there is too much.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

import param

from .errors import RequestError

LARGEST_DROP = 60_000_000
"""Bytes of a file as it is dropped on the page."""

LARGEST_FILE = 20_000_000
"""Bytes of a kept file: a request.json that carries two of them in base64 can be dropped again."""

MOST_KEPT = 400_000_000
"""Bytes of all files together, of all sessions."""

LONGEST_NAME = 80


class Upload(param.String):
    """A parameter whose value is the token of a kept file, or empty."""


class _Shelf:
    def __init__(self) -> None:
        self._files: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, token: str, content: bytes) -> None:
        with self._lock:
            self._files[token] = content
            self._files.move_to_end(token)
            while sum(map(len, self._files.values())) > MOST_KEPT and len(self._files) > 1:
                self._files.popitem(last=False)

    def get(self, token: str) -> bytes | None:
        with self._lock:
            if token in self._files:
                self._files.move_to_end(token)
            return self._files.get(token)


_shelf = _Shelf()


def keep(name: str, content: bytes) -> str:
    """Keep a file; returns its token, "name#hash".

    Raises:
        RequestError: it is larger than `LARGEST_FILE`.
    """
    if len(content) > LARGEST_FILE:
        raise RequestError("file", name, f"must have at most {LARGEST_FILE // 1_000_000} MB")
    token = _token(name, content)
    _shelf.put(token, content)
    return token


def content_of(parameter: str, token: str) -> bytes:
    """The content of a kept file.

    Raises:
        RequestError: it is not here: it was dropped elsewhere, or this server was started since.
    """
    content = _shelf.get(token)
    if content is None:
        name = name_of(token) or "the file"
        raise RequestError(parameter, token, f"the data are not here; drop {name} on the page again")
    return content


def name_of(token: str) -> str:
    """The name of the file a token stands for."""
    return token.rpartition("#")[0]


def carried(values: Iterable[Any]) -> dict[str, str]:
    """Token and base64 content of every kept file among parameter values: what a request.json carries."""
    words = [value for value in values if isinstance(value, str) and "#" in value]
    found = {token: _shelf.get(token) for token in words}
    return {token: base64.b64encode(c).decode("ascii") for token, c in found.items() if c is not None}


def unpack(files: Any) -> None:
    """Keep the files a request.json carries.

    Raises:
        RequestError: they are not of that form, or a content does not have the hash its token says.
    """
    allowed = "must be an object of tokens and base64 contents, as Export writes it"
    if not isinstance(files, Mapping):
        raise RequestError("files", type(files).__name__, allowed)
    for token, text in files.items():
        try:
            content = base64.b64decode(text, validate=True)
        except (TypeError, ValueError) as error:
            raise RequestError("files", token, allowed) from error
        if _token(name_of(token), content) != token:
            raise RequestError("files", token, "the content is not the one its hash was made of")
        keep(name_of(token), content)


def _token(name: str, content: bytes) -> str:
    plain = PurePath(name).name[-LONGEST_NAME:]
    return f"{plain}#{hashlib.sha256(content).hexdigest()[:16]}"
