"""Pages that stand before anybody asks for them: a new session is given one, in the state of its address.

Making a page with a thousand models takes a second of Python: its figures, its view, its models, what is written of them
for the browser, and the HTML. All of it is done beside (`supply.Supply`); what is left is to give the document a session.
How Bokeh makes sessions and Panel writes HTML is touched here and nowhere else; `constraints.txt` pins the versions.
"""

from __future__ import annotations

import functools
import secrets
import weakref
from importlib import import_module
from typing import Any

from bokeh.core.types import ID
from bokeh.document import Document
from bokeh.server.contexts import ApplicationContext, BokehSessionContext, _RequestProxy
from bokeh.server.tornado import BokehTornado
from panel.io.state import set_curdoc
from tornado.httputil import HTTPServerRequest, RequestStartLine
from tornado.ioloop import IOLoop

from . import ahead, first_frame
from .drawing.screen import Screen, lay_out
from .lens import Lens
from .pages import LensPage
from .registry import lens_class
from .scheduler import ServedScheduler
from .supply import Supply, Wait

_contexts: Any = import_module("bokeh.server.contexts")
_server: Any = import_module("panel.io.server")

_html: weakref.WeakKeyDictionary[Document, str] = weakref.WeakKeyDictionary()
_TOKEN = secrets.token_hex(24)
"""In the HTML of a page that has no session yet, where its token belongs."""


class Spares:
    """Makes documents of whole pages.

    Args:
        tornado: the server's application. loop: the server's.
    """

    def __init__(self, tornado: BokehTornado, loop: IOLoop) -> None:
        self._tornado = tornado
        self._loop = loop

    def make(self, slug: str, wait: Wait) -> Document | None:
        """The document of a lens in its first state; None for a lens that ships no first frame."""
        lens = lens_class(slug)()
        screens = _drawn(lens, wait)
        if not screens:
            return None
        wait()
        document = Document()
        # Panel asks the session where a page finds its scripts; this one is given up with the first reader's.
        address = f"/{slug}"
        context = BokehSessionContext(ID(""), self._tornado.applications[address].server_context, document)
        context._request = _RequestProxy(
            HTTPServerRequest(start_line=RequestStartLine("GET", address, "HTTP/1.0"))
        )
        document._session_context = weakref.ref(context)
        with set_curdoc(document):
            page = LensPage(lens, ServedScheduler(document, self._loop), screens)
            page.frame.server_doc(document, location=False)
            wait()
            _html[document] = _server.server_html_page_for_session(
                _Unasked(document),
                resources=self._tornado.resources(),
                title=document.title,
                template=document.template,
                template_variables=document.template_variables,
            )
        # After the HTML, which changes addresses of style sheets without a word.
        ahead.write(document)
        page.stand(document)
        return document


class _Unasked:
    """What Panel asks of a session to write its page."""

    token = _TOKEN

    def __init__(self, document: Document) -> None:
        self.document = document


def _drawn(lens: Lens, wait: Wait) -> list[Screen]:
    frame = first_frame.opening(lens)
    if frame is None:
        return []
    screens = lay_out(lens.figures(frame), frame)
    for screen in screens:
        if screen.figure.shown(lens):
            wait()
            screen.draw(frame)
    return screens


def install(supply: Supply[Document]) -> None:
    """Give new sessions of this process the documents that lie ready, by the address of a lens."""
    create = _original(ApplicationContext.create_session_if_needed)
    write = _original(_server.server_html_page_for_session)
    given: list[Document] = []

    @functools.wraps(create)
    async def create_session_if_needed(
        self: ApplicationContext, session_id: Any, request: Any = None, token: Any = None
    ) -> Any:
        if session_id not in {*self._sessions, *self._pending_sessions}:
            document = supply.take((self.url or "").strip("/"))
            # Taken up before the first pause of what follows.
            given[:] = [] if document is None else [document]
        return await create(self, session_id, request, token)

    @functools.wraps(write)
    def server_html_page_for_session(session: Any, *args: Any, **options: Any) -> str:
        html = _html.pop(session.document, None)
        if html is None:
            return write(session, *args, **options)
        return html.replace(_TOKEN, options["token"])

    _contexts.Document = lambda: given.pop() if given else Document()
    ApplicationContext.create_session_if_needed = create_session_if_needed
    _server.server_html_page_for_session = server_html_page_for_session


def _original(function: Any) -> Any:
    return getattr(function, "__wrapped__", function)
