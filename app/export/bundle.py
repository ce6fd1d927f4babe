"""One zip: figures as SVG, PDF and PNG, tables as CSV and NPZ, the request, the citation."""

from __future__ import annotations

import json
import platform
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

from ..control import Attachment
from ..errors import RequestError
from ..figure import Figure
from ..frame import Frame
from ..lens import Lens
from ..registry import lens_class
from ..request import Request, request_of
from ..uploads import carried
from .tables import arrays, drawn_tables, npz, plain_fact, table_csv

FORMATS = ("svg", "pdf", "png")
WIDTHS_MM = (85, 178)
PACKAGES = ("anisoscope", "torch", "numpy", "scipy", "panel", "holoviews", "bokeh", "matplotlib")

# Entries carry no time of their own: two exports of one state differ in request.json alone.
EPOCH = (1980, 1, 1, 0, 0, 0)

OURS = """@software{anisoscope,
  title   = {Anisoscope: an interactive observatory for anisotropy},
  author  = {{Anisoscope developers}},
  year    = {2026},
  version = {VERSION},
  license = {BSD-3-Clause}
}"""

README = """\
Anisoscope {version}: {title}

figures/      NAME-WIDTHmm.FORMAT; light colours, fonts embedded, WIDTH is exact
tables/       one CSV for the data of each layer, in full precision. Along an axis marked “log” the coordinate y is log₁₀ of
              the value, which stands beside it as 10^y. Outlines come piece by piece; images row by row, as indices 0 to
              255 of their colours
data.npz      the same numbers as arrays named table/column (data in pieces: CSV only)
facts.json    named numbers of this state; inf, -inf and nan are words there
request.json  {restored}
cite.bib      what to cite
{more}
Figures and units
{figures}

Further conventions: docs/conventions.md of the repository.
"""


def export_bundle(
    request: Mapping[str, Any],
    target: str | PathLike[str] | BinaryIO,
    formats: Sequence[str] = FORMATS,
    widths_mm: Sequence[int] = WIDTHS_MM,
) -> list[str]:
    """Compute a request anew and write everything it gives.

    Args:
        request: {"lens": slug, "parameters": {…}}, as `Request.to_json` and a request.json have it.
        target: path of the zip, or a binary file.
        formats: of the figures, among svg, pdf, png.
        widths_mm: widths of the figures; one and two columns of a journal by default.

    Returns:
        The names inside the zip.

    Raises:
        UnknownLensError: no lens has this slug.
        RequestError: a parameter, format or width is out of range.
        OSError: the target cannot be written.
    """
    _check(formats, widths_mm)
    slug, parameters = request_of(request)
    lens = lens_class(slug)()
    asked = lens.validated(parameters)
    lens.restore(asked.as_dict())
    with _opened(target) as sink:
        frame = lens.compute(asked)
        parts = {**_texts(lens, asked, frame), **_figures(lens, frame, formats, widths_mm)}
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts.items():
                entry = zipfile.ZipInfo(name, date_time=EPOCH)
                archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return list(parts)


@contextmanager
def _opened(target: str | PathLike[str] | BinaryIO) -> Iterator[BinaryIO]:
    """The file to write, opened before anything is computed; a path gets it whole or not at all."""
    if not isinstance(target, (str, PathLike)):
        yield target
        return
    # Here: its package needs torch, which no page should wait for.
    from anisoscope.engine.records.replacing import replacing

    with replacing(Path(target)) as partial, partial.open("wb") as sink:
        yield sink


def _check(formats: Sequence[str], widths_mm: Sequence[int]) -> None:
    for format_ in formats:
        if format_ not in FORMATS:
            raise RequestError("formats", format_, f"must be among {', '.join(FORMATS)}", "svg")
    for width in widths_mm:
        if isinstance(width, bool) or not isinstance(width, (int, float)) or not 30 <= width <= 400:
            raise RequestError("widths_mm", width, "must be numbers from 30 to 400 millimetres", 85)


def _texts(lens: Lens, asked: Request, frame: Frame) -> dict[str, str | bytes]:
    figures = shown_figures(lens, frame)
    tables = drawn_tables(figures, frame)
    parts: dict[str, str | bytes] = {f"tables/{name}.csv": table_csv(t) for name, t in tables.items()}
    parts["data.npz"] = npz(arrays(tables))
    parts["request.json"] = json.dumps(
        {**asked.to_json(), **_provenance(asked, frame), **_files(asked)}, indent=2, ensure_ascii=False
    )
    facts = {name: plain_fact(value) for name, value in frame.facts.items()}
    parts["facts.json"] = json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False)
    parts["cite.bib"] = citation(lens)
    more = lens.attachments(asked, frame)
    parts |= {name: attachment.content for name, attachment in more.items()}
    parts["README.txt"] = _readme(lens, asked, figures, more)
    return parts


def _files(asked: Request) -> dict[str, Any]:
    files = carried(asked.as_dict().values())
    return {"files": files} if files else {}


def citation(lens: Lens) -> str:
    """BibTeX of the papers behind a lens, and of Anisoscope."""
    entries = [paper.bibtex.strip() for paper in lens.papers]
    return "\n\n".join([*entries, OURS.replace("VERSION", version("anisoscope"))]) + "\n"


def _provenance(asked: Request, frame: Frame) -> dict[str, Any]:
    seeds = {name: value for name, value in asked.values if "seed" in name}
    return {
        **({"seed": seeds} if seeds else {}),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "device": frame.facts.get("device", "cpu"),
        "dtype": frame.facts.get("dtype", "float64"),
        "notes": list(frame.notes),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _figures(lens: Lens, frame: Frame, formats: Sequence[str], widths_mm: Sequence[int]) -> dict[str, bytes]:
    # Matplotlib takes a second to import; a bundle without figures does not need it.
    from ..drawing.paper import figure_files

    drawn: dict[str, bytes] = {}
    for figure in shown_figures(lens, frame):
        for width in widths_mm:
            files = figure_files(figure, frame, formats, width)
            drawn |= {f"figures/{figure.name}-{width}mm.{format_}": data for format_, data in files.items()}
    return drawn


def shown_figures(lens: Lens, frame: Frame) -> list[Figure]:
    """The figures the page shows in the lens's present state."""
    figures = lens.figures(frame)
    return [f for f in figures if f.shown(lens)]


def _readme(lens: Lens, asked: Request, figures: Sequence[Figure], more: Mapping[str, Attachment]) -> str:
    """Contents of the zip in words, with a line for the axes of each figure in it."""
    bound = lens.bound_to_process(asked)
    return README.format(
        version=version("anisoscope"),
        title=lens.title,
        figures="\n".join(_figure_line(figure) for figure in figures),
        more="".join(f"{name}\n              {attachment.words}\n" for name, attachment in more.items()),
        restored=f"restores this state only in the process that has {bound}"
        if bound
        else f"drop it on the lens, or: anisoscope export {lens.slug} --request request.json",
    )


def _figure_line(figure: Figure) -> str:
    axes = [
        f"{which}: {axis.label or figure.title}{', log' if axis.logarithmic else ''}"
        for which, axis in (("x", figure.x), ("y", figure.y))
        if axis.label or axis.logarithmic
    ]
    details = "; ".join(axes + ([figure.unit] if figure.unit else []))
    return f"{figure.name:<13} {figure.title}" + (f" ({details})" if details else "")
