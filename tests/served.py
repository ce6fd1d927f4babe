"""Serves a page for a browser test: in this process on a thread, or as the real command in its own process."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import panel as pn
from tornado.ioloop import IOLoop

from anisoscope.app.server import prepare


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


def until(condition: Callable[[], Any], seconds: float = 30.0) -> None:
    """Wait for what another thread or process does; the test fails when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def answers(port: int) -> bool:
    with socket.socket() as opened:
        return opened.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def in_thread(pages: dict[str, Callable[[], Any]]) -> Iterator[str]:
    """Serve functions by route; yields the address of the root."""
    prepare()
    port = free_port()
    started = threading.Event()
    kept: list[Any] = []

    def run() -> None:
        import asyncio

        asyncio.set_event_loop(asyncio.new_event_loop())
        server = pn.serve(pages, port=port, address="127.0.0.1", show=False, start=False, verbose=False)
        kept.extend([server, IOLoop.current()])
        server.start()
        started.set()
        server.io_loop.start()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(20)
    yield f"http://127.0.0.1:{port}/"
    server, loop = kept
    loop.add_callback(server.stop)
    loop.add_callback(loop.stop)
    thread.join(10)


@contextmanager
def as_command(
    *arguments: str, command: tuple[str, ...] = ("-m", "anisoscope.app.command", "serve")
) -> Iterator[str]:
    """Run the real command on a free port; yields the address it serves."""
    port = free_port()
    words = [sys.executable, *command, *arguments, "--port", str(port)]
    # Not a pipe: nobody reads it while the server runs, and a full one would stop the server.
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=said)
        try:
            until(lambda: answers(port) or process.poll() is not None, 120)
            said.seek(0)
            assert process.poll() is None, said.read()
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(60)
