"""Static files small and kept: gzip once per file, long cache lifetimes for addresses with a hash.

Bokeh and Panel send 4.6 MB of JavaScript as it lies on the disk. `install` teaches their three handlers to
answer compressed; that also works inside `panel serve app/main.py`, whose server stands before our code runs.
`server_options` adds, for a server of our own, compression of the page itself.

On the websocket only the document is compressed (half a megabyte, mostly style sheets said again and again);
deflating every frame would cost more time under the hand than it saves on the wire. Private attributes of
Tornado are touched here and nowhere else; `constraints.txt` pins the version and a test measures the bytes.
"""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from bokeh.server.views.multi_root_static_handler import MultiRootStaticHandler
from bokeh.server.views.static_handler import StaticHandler
from bokeh.server.views.ws import WSHandler
from panel.io.server import ComponentResourceHandler
from tornado.ioloop import IOLoop
from tornado.web import StaticFileHandler
from tornado.websocket import WebSocketProtocol13

COMPRESSIBLE = {".js", ".mjs", ".css", ".json", ".map", ".svg", ".html", ".txt"}
TEN_YEARS = 10 * 365 * 86400
ONE_DAY = 86400
DOCUMENT_SIZE = 60_000
"""Text messages of the websocket from this length on are compressed: documents are, patches are not."""

_HASH_QUERY = re.compile(r"(v=)?[0-9A-Za-z.]{5,}")
_HANDLERS: tuple[type[StaticFileHandler], ...] = (
    StaticHandler,
    MultiRootStaticHandler,
    ComponentResourceHandler,
)


@lru_cache(maxsize=256)
def _gzipped(path: str, modified_ns: int) -> bytes:
    # Level 9 is affordable: each file is compressed once in the life of the server.
    return gzip.compress(Path(path).read_bytes(), 9, mtime=0)


def cache_lifetime(path: str, query: str) -> int:
    """Seconds a browser may keep a file: for ever where the address holds a hash or version."""
    if _HASH_QUERY.fullmatch(query):
        return TEN_YEARS
    return ONE_DAY if "@" in path else 0


async def _get(self: StaticFileHandler, path: str, include_body: bool = True) -> None:
    asked = self.request.headers
    small = Path(path).suffix in COMPRESSIBLE and "gzip" in asked.get("Accept-Encoding", "")
    if not small or "Range" in asked:
        return await StaticFileHandler.get(self, path, include_body)
    self.path = self.parse_url_path(path)
    self.absolute_path = self.validate_absolute_path(self.root, self.get_absolute_path(self.root, self.path))
    if self.absolute_path is None:
        return None
    self.modified = self.get_modified_time()
    self.set_headers()
    self.set_header("Vary", "Accept-Encoding")
    if self.should_return_304():
        self.set_status(304)
        return None
    modified = Path(self.absolute_path).stat().st_mtime_ns
    body = await IOLoop.current().run_in_executor(None, _gzipped, self.absolute_path, modified)
    self.set_header("Content-Encoding", "gzip")
    self.set_header("Content-Length", len(body))
    if include_body:
        self.write(body)
    return None


def _get_cache_time(self: StaticFileHandler, path: str, modified: Any, mime_type: str) -> int:
    return cache_lifetime(path, self.request.query)


_write_compressed = WebSocketProtocol13.write_message


def _write_message(self: WebSocketProtocol13, message: Any, binary: bool = False) -> Any:
    compressor = self._compressor
    if compressor is None or (not binary and len(message) >= DOCUMENT_SIZE):
        return _write_compressed(self, message, binary)
    # The extension leaves it open for each message whether it is compressed.
    self._compressor = None
    try:
        return _write_compressed(self, message, binary)
    finally:
        self._compressor = compressor


def install() -> None:
    """Compress and keep what Bokeh and Panel serve; calling it again changes nothing."""
    for handler in _HANDLERS:
        handler.get = _get
        handler.get_cache_time = _get_cache_time
    WSHandler.get_compression_options = lambda self: {"compression_level": 6}
    WebSocketProtocol13.write_message = _write_message


def server_options() -> dict[str, Any]:
    """Keywords for `pn.serve` (after `install`): the page's own HTML is compressed too."""
    install()
    return {"compress_response": True}
