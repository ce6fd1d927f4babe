"""The server: gallery at /, each lens at /<slug>, on 127.0.0.1 unless told otherwise."""

from __future__ import annotations

import asyncio
import os
import socket
import webbrowser
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import panel as pn
from bokeh.settings import settings

from . import ahead, spare
from .pages import gallery_page, lens_page
from .registry import SLUG, lens_class, lens_entries
from .shell import serving
from .supply import Supply
from .websocket import release_brakes
from .worker import shared_worker

# Files travel in pieces of half a megabyte; a frame of a large array is the largest message.
LARGEST_MESSAGE = 32 * 1024 * 1024


def serve(
    slugs: Sequence[str] = (),
    host: str = "127.0.0.1",
    port: int = 5006,
    open_browser: bool = True,
    page: str = "",
) -> None:
    """Serve the gallery and the lenses until interrupted.

    Args:
        slugs: lenses to serve; all of them when empty.
        host: address to listen on; other machines reach 0.0.0.0, so protect it first (SECURITY.md).
        port: TCP port; 0 takes a free one.
        open_browser: open the page in the machine's browser.
        page: path and query of the page that is told and opened, instead of the gallery.

    Raises:
        UnknownLensError: a slug names no lens.
        OSError: the address is in use.
        RuntimeError: in a notebook, whose loop already runs: there a lens is shown by `open_lens`.
    """
    _refuse_in_notebook()
    # Names of other people's entry points become addresses only where they are slugs.
    served = list(slugs) or [slug for slug in lens_entries() if SLUG.fullmatch(slug)]
    for slug in slugs:
        lens_class(slug)
    port = port or _free_port(host)
    # Panel's annotations know neither a dictionary of functions nor what comes back without threads.
    pages: Any = _routes(served)
    server: Any = pn.serve(pages, address=host, port=port, show=False, start=False, **_options(host, port))
    sound = [slug for slug in served if lens_entries()[slug].error is None]
    supply = Supply(spare.Spares(server._tornado, server.io_loop).make)
    spare.install(supply)
    # One page before the address is told; the others once torch is imported, while nobody has come.
    supply.prepare(sound[:1], kept=1)
    supply.refill(sound, pause=3.0)
    server.start()
    address = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/{page}"
    print(f"Anisoscope: {address}", flush=True)
    # The first reader should not wait for torch: its import starts now, beside the server.
    server.io_loop.add_callback(shared_worker().start)
    if open_browser:
        server.io_loop.call_later(0.2, partial(webbrowser.open, address))
    try:
        server.run_until_shutdown()
    except KeyboardInterrupt:
        server.stop()


def _refuse_in_notebook() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "serve runs until it is stopped, which a notebook cannot wait for: end a cell with "
        'open_lens("ghosts"), or run "anisoscope serve" in a terminal'
    )


def prepare() -> None:
    """Release the brakes of the server this process runs; for `panel serve` as well."""
    # Exports draw on a thread, where a windowed Matplotlib backend fails.
    os.environ.setdefault("MPLBACKEND", "Agg")
    # A look at all models of each page, for whoever writes one: here the tests look.
    settings.perform_document_validation = False
    release_brakes()
    ahead.install()
    serving.install()


def _routes(slugs: Sequence[str]) -> dict[str, Callable[[], Any]]:
    # Panel calls functions and shows anything else, functools.partial included.
    def page_of(slug: str) -> Callable[[], Any]:
        return lambda: lens_page(slug)

    return {"/": lambda: gallery_page("./{slug}"), **{slug: page_of(slug) for slug in slugs}}


def _options(host: str, port: int) -> dict[str, Any]:
    prepare()
    allowed = ["*"] if host == "0.0.0.0" else [f"{host}:{port}", f"localhost:{port}", f"127.0.0.1:{port}"]
    return {
        "websocket_origin": allowed,
        "websocket_max_message_size": LARGEST_MESSAGE,
        "title": "Anisoscope",
        **serving.server_options(),
    }


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
