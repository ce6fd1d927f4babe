"""The training of an export, whole: every recorded singular value."""

from __future__ import annotations

from ...request import Request


def attachments(request: Request) -> dict[str, bytes]:
    return {}
