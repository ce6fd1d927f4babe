"""Presets are data: named requests, the paper's number beside ours, and the reason where they differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .sources import lens_assets


@dataclass(frozen=True)
class Preset:
    """One entry of `assets/<slug>/presets.json`.

    `expect` maps a fact of the frame to (value, absolute tolerance); one test runs every preset.
    """

    name: str
    title: str
    source: str
    params: Mapping[str, Any]
    reason: str = ""
    expect: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    paper_value: Any = None
    disagrees: str = ""
    attempt: bool = False


def presets(slug: str) -> tuple[Preset, ...]:
    """The presets of a lens, in their order."""
    source = lens_assets(slug) / "presets.json"
    if not source.is_file():
        return ()
    loaded = json.loads(source.read_text(encoding="utf-8"))
    return tuple(_preset(entry) for entry in loaded)


def _preset(entry: dict[str, Any]) -> Preset:
    given = {**entry, "attempt": entry.get("try", False)}
    given.pop("try", None)
    given["expect"] = {fact: (float(v[0]), float(v[1])) for fact, v in entry.get("expect", {}).items()}
    return Preset(**given)
