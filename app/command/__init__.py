"""The command `anisoscope`. Only the standard library is imported until a subcommand has been chosen."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..errors import RequestError, UnknownLensError
from .errors import CommandError
from .parser import parse

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 0 done, 1 something is broken, 2 wrongly asked."""
    asked = parse(arguments)
    try:
        return asked.handler(asked)
    except (CommandError, RequestError, UnknownLensError) as error:
        print(f"anisoscope: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
