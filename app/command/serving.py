"""`anisoscope serve`."""

from __future__ import annotations

import argparse
import errno
import os
import socket
import sys

from .errors import CommandError


def serve(asked: argparse.Namespace) -> int:
    """Serve lenses until interrupted."""
    # Before anything heavy is imported: the answer to a wrong port should not take seconds.
    check_address(asked.host, asked.port)
    from .. import available_lenses
    from .. import serve as serve_lenses

    known = available_lenses()
    for slug in asked.slugs:
        if slug not in known:
            raise CommandError(f"lens = {slug!r}: known lenses are {', '.join(sorted(known)) or 'none'}")
    open_browser = not asked.no_browser and has_screen()
    serve_lenses(asked.slugs, host=asked.host, port=asked.port, open_browser=open_browser)
    return 0


def check_address(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on.

    Raises:
        CommandError: the port is in use or not ours to open, or the host is not one of this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"port = {port}: is in use on {host}; choose another with --port"
        elif error.errno == errno.EACCES:
            reason = f"port = {port}: this user may not open it; choose one above 1023 with --port"
        else:
            reason = (
                f"host = {host!r}: must be an address of this machine, such as 127.0.0.1 ({error.strerror})"
            )
        raise CommandError(reason) from error


def has_screen() -> bool:
    """Whether a browser has somewhere to appear; without a screen a text browser could take the terminal."""
    if os.environ.get("CI"):
        return False
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True
