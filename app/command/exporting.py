"""`anisoscope export`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .errors import CommandError


def export(asked: argparse.Namespace) -> int:
    """Compute a lens's state and write its figures, tables, request and citation into one zip."""
    target = asked.output or Path(f"{asked.slug}.zip")
    check_target(target)
    saved = None if asked.request is None else read_request(asked.request, asked.slug)

    from .. import open_lens
    from ..export import export_bundle

    if saved is None:
        saved = preset_parameters(asked.slug, asked.preset) if asked.preset else {}
    request = open_lens(asked.slug, **saved).request()
    try:
        export_bundle(request.to_json(), target, formats=asked.formats)
    except OSError as error:
        raise CommandError(f"output = {str(target)!r}: cannot be written ({error.strerror})") from error
    print(target)
    return 0


def check_target(target: Path) -> None:
    """Refuse a zip that cannot be written, before anything is computed."""
    if target.is_dir():
        raise CommandError(
            f"output = {str(target)!r}: is a folder; name a file, such as {target.name}.zip in it"
        )
    if not target.resolve().parent.is_dir():
        raise CommandError(f"output = {str(target)!r}: its folder does not exist")


def read_request(source: Path, slug: str) -> dict[str, Any]:
    """Parameters of a request.json, which must be one of this lens.

    Raises:
        CommandError: the file cannot be read, or is of another lens.
        RequestError: it is not a request.
    """
    from ..request import read_json

    try:
        text = source.read_bytes()
    except OSError as error:
        raise CommandError(f"request = {str(source)!r}: cannot be read ({error.strerror})") from error
    lens, parameters = read_json(text)
    if lens != slug:
        raise CommandError(f"request = {str(source)!r}: is of lens {lens!r}, not of {slug!r}")
    return parameters


def preset_parameters(slug: str, name: str) -> dict[str, Any]:
    """Parameters of a named preset.

    Raises:
        CommandError: the lens has no such preset.
    """
    from ..presets import presets
    from ..registry import lens_class

    known = {preset.name: preset for preset in presets(lens_class(slug).slug)}
    if name not in known:
        raise CommandError(f"preset = {name!r}: presets of {slug} are {', '.join(known) or 'none'}")
    return dict(known[name].params)
