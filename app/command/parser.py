"""Arguments of the command."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from . import catalogue, doctor, exporting, serving, watching

FORMATS = ("svg", "pdf", "png")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The arguments, with `handler` set to the function of the chosen subcommand."""
    parser = _Parser(prog="anisoscope", description="An interactive observatory for anisotropy.")
    parser.add_argument("--version", action="version", version=f"anisoscope {version('anisoscope')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_serve(commands)
    _add_watch(commands)
    _add_export(commands)
    listing = commands.add_parser("list", help="the lenses: slug, then title")
    listing.set_defaults(handler=catalogue.list_lenses)
    cite = commands.add_parser("cite", help="BibTeX entries of the papers a lens shows")
    cite.add_argument("slug", metavar="SLUG")
    cite.set_defaults(handler=catalogue.cite)
    examine = commands.add_parser("doctor", help="versions, devices, and what is wrong with this machine")
    examine.add_argument("--port", type=_port, default=5006, help="the port to try (5006)")
    examine.set_defaults(handler=doctor.doctor)
    return parser.parse_args(arguments)


def _add_serve(commands: argparse._SubParsersAction[_Parser]) -> None:
    serve = commands.add_parser("serve", help="serve the lenses (all when none is named)")
    serve.add_argument("slugs", nargs="*", metavar="SLUG", help="serve only these lenses")
    _add_address(serve)
    serve.set_defaults(handler=serving.serve)


def _add_address(command: _Parser) -> None:
    command.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine alone)"
    )
    command.add_argument("--port", type=_port, default=5006, help="port to listen on (5006)")
    command.add_argument("--no-browser", action="store_true", help="do not open a browser")


def _add_watch(commands: argparse._SubParsersAction[_Parser]) -> None:
    watch = commands.add_parser("watch", help="your own trainings, live while they are recorded")
    watch.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="what a SpectraRecorder (.spec) or a RadiusRecorder (.radius) writes, or is going to write",
    )
    watch.add_argument(
        "--export",
        type=Path,
        metavar="OUT",
        help="write the recording as tables (.npz or .csv) and show nothing",
    )
    _add_address(watch)
    watch.set_defaults(handler=watching.watch)


def _add_export(commands: argparse._SubParsersAction[_Parser]) -> None:
    export = commands.add_parser("export", help="figures, tables, request and citation of a lens as one zip")
    export.add_argument("slug", metavar="SLUG")
    state = export.add_mutually_exclusive_group()
    state.add_argument("--preset", metavar="NAME", help="start from this preset of the lens")
    state.add_argument("--request", type=Path, metavar="FILE", help="a request.json of an earlier export")
    export.add_argument("--output", type=Path, metavar="ZIP", help="file to write (SLUG.zip)")
    export.add_argument(
        "--formats", type=_formats, default=FORMATS, metavar="LIST", help="figure formats (svg,pdf,png)"
    )
    export.set_defaults(handler=exporting.export)


def _port(word: str) -> int:
    number = int(word) if word.isdecimal() else 0
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"port = {word!r}: must be a whole number from 1 to 65535")
    return number


def _formats(words: str) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(word.strip().lower() for word in words.split(",") if word.strip()))
    if not chosen or not set(chosen) <= set(FORMATS):
        raise argparse.ArgumentTypeError(f"formats = {words!r}: must be some of {','.join(FORMATS)}")
    return chosen
