"""A request: what was asked of a lens, as plain numbers and words.

The same object is the cache key, the preset, the permalink and the export's provenance.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from .errors import RequestError
from .uploads import unpack

FORM = 'a request.json of the form {"lens": "…", "parameters": {…}}'

Scalar = bool | int | float | str | tuple[float, ...]


@dataclass(frozen=True)
class Request:
    """Parameter values of one lens, frozen. `request["sample"]` reads one."""

    lens: str
    values: tuple[tuple[str, Scalar], ...]

    @classmethod
    def of(cls, lens: str, values: Mapping[str, Any]) -> Request:
        return cls(lens, tuple((name, _plain(value)) for name, value in values.items()))

    def __getitem__(self, name: str) -> Any:
        for key, value in self.values:
            if key == name:
                return value
        raise KeyError(name)

    def as_dict(self) -> dict[str, Scalar]:
        return dict(self.values)

    def replace(self, **changes: Any) -> Request:
        return Request.of(self.lens, {**self.as_dict(), **changes})

    def to_json(self) -> dict[str, Any]:
        return {
            "lens": self.lens,
            "parameters": {k: list(v) if isinstance(v, tuple) else v for k, v in self.values},
        }

    def to_query(self, defaults: Mapping[str, Any] | None = None) -> str:
        """The permalink's query string, only what differs from `defaults`."""
        given = {k: _plain(v) for k, v in (defaults or {}).items()}
        pairs = [(k, _word(v)) for k, v in self.values if k not in given or given[k] != v]
        return urlencode(pairs)


def read_json(text: str | bytes) -> tuple[str, dict[str, Any]]:
    """Slug and parameters of a `request.json`.

    Raises:
        RequestError: not JSON, or not of the form {"lens": …, "parameters": {…}}.
    """
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError("request.json", str(error), f"must be {FORM}") from error
    return request_of(loaded)


def request_of(loaded: Any) -> tuple[str, dict[str, Any]]:
    """Slug and parameters of what a request.json holds, still unchecked; files it carries are kept.

    Raises:
        RequestError: it is not of the form {"lens": …, "parameters": {…}}, or its files are damaged.
    """
    if not isinstance(loaded, Mapping) or not isinstance(loaded.get("parameters"), Mapping):
        raise RequestError("request.json", type(loaded).__name__, f"must be {FORM}")
    if not isinstance(loaded.get("lens"), str):
        raise RequestError("lens", loaded.get("lens"), f"must be a lens's slug in {FORM}")
    if "files" in loaded:
        unpack(loaded["files"])
    return loaded["lens"], dict(loaded["parameters"])


def _plain(value: Any) -> Scalar:
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, (list, tuple)):
        return tuple(float(v) for v in value)
    if hasattr(value, "item"):
        value = value.item()
    return value


def _word(value: Scalar) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return ",".join(repr(v) for v in value)
    return repr(value) if isinstance(value, float) else str(value)
