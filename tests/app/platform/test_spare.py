"""A page that was made before it was asked for is the page that would have been made then."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from bokeh.application import Application
from bokeh.application.handlers import FunctionHandler
from bokeh.application.handlers.document_lifecycle import DocumentLifecycleHandler
from bokeh.core.types import ID
from bokeh.document import Document
from bokeh.server.contexts import ApplicationContext
from bokeh.server.tornado import BokehTornado
from bokeh.util.token import generate_jwt_token
from panel.io.application import build_applications
from panel.io.state import set_curdoc
from tornado.httputil import HTTPServerRequest, RequestStartLine
from tornado.ioloop import IOLoop

from anisoscope.app import ahead, first_frame, pages, spare
from anisoscope.app import worker as worker_module
from anisoscope.app.packet import same
from anisoscope.app.pages import LensPage
from anisoscope.app.presets import presets
from anisoscope.app.registry import lens_class, lens_entries
from anisoscope.app.scheduler import ServedScheduler
from anisoscope.app.spare import Spares
from anisoscope.app.supply import Supply
from anisoscope.app.view import LensView
from anisoscope.app.worker import Worker

SLUGS = sorted(lens_entries())
CASES = [(slug, name) for slug in SLUGS for name in ["", *(p.name for p in presets(slug)[1::6])]]


class Idle(Worker):
    """Keeps what it is asked for and computes nothing."""

    def start(self) -> None:
        return None


@pytest.fixture(autouse=True)
def nobody_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "_worker", Idle())


@pytest.fixture(scope="module")
def loop() -> Iterator[IOLoop]:
    loop = IOLoop(make_current=False)
    yield loop
    loop.close()


@pytest.fixture(scope="module")
def spares(loop: IOLoop) -> Spares:
    return Spares(BokehTornado({f"/{slug}": Application() for slug in SLUGS}), loop)


def made_now(slug: str, values: dict[str, Any], loop: IOLoop) -> LensPage:
    document, lens = Document(), lens_class(slug)()
    lens.restore(values)
    with set_curdoc(document):
        return LensPage(lens, ServedScheduler(document, loop))


def shown(view: LensView) -> dict[str, Any]:
    """All that a reader sees before the first frame is computed, and what the browser will draw the next one with."""
    parts, table = view.parts, view.parts.table
    names = [screen.figure.name for screen in view.screens if screen.figure.shown(view.lens)]
    later = {one.screen.figure.name for one in parts.postponed}
    return {
        "figures": [screen.figure for screen in view.screens],
        "placed": [name for name in names if name not in later],
        "visible": [part.visible for _, part in parts.conditional],
        "heads": {n: pane.object for n, pane in parts.heads.items() if n in names},
        "words": [pane.object for pane in (parts.lede, parts.see, parts.claims, parts.card)],
        "readouts": parts.readouts.rows,
        "table": table and (table.visible, table.headings, table.rows) if table and table.visible else None,
        "controls": {name: _values(b.component) for name, b in parts.bindings.items()},
        "preset": parts.tries.current,
        "status": _values(parts.status.component),
        "undo": (parts.undo.can_undo, parts.undo.can_redo),
        "hand": (view._hand.values, view._hand.upstream),
        "request": view.lens.request(),
        "asked": view._mailbox.pending,
        "ranges": [_ranges(s) for s in view.screens if s.figure.name in names and s.figure.name not in later],
    }


def _values(component: Any) -> dict[str, Any]:
    left_out = {"name", "handle", "dial", "stylesheets", "design"}
    return {name: value for name, value in component.param.values().items() if name not in left_out}


def _ranges(screen: Any) -> list[tuple[Any, Any, Any]]:
    model = screen.model
    return [(r.start, r.end, axis.axis_label) for r, axis in
            ((model.x_range, model.xaxis[0]), (model.y_range, model.yaxis[0]))]  # fmt: skip


@pytest.mark.parametrize(("slug", "preset"), CASES)
def test_it_opens_in_the_state_of_an_address(slug: str, preset: str, spares: Spares, loop: IOLoop) -> None:
    values = next((dict(p.params) for p in presets(slug) if p.name == preset), {})
    document = spares.make(slug, lambda: None)
    assert document is not None and document.session_context is None
    page = LensPage.standing.pop(document)
    now = made_now(slug, values, loop)
    assert page.view._mailbox.pending is None, "nothing is computed for nobody"
    with set_curdoc(document):
        assert page.view.open(values) == []
    ours, theirs = shown(page.view), shown(now.view)
    for name, value in theirs.items():
        assert ours[name] == value, name
    for mine, other in zip(page.view._sources, now.view._sources, strict=True):
        assert same(_columns(mine), _columns(other))
    for mine, sent in zip(page.view._sources, page.view._sent, strict=True):
        assert same(_columns(mine), [*sent.values()]), "what the browser is said to have, it has"
    page.view.close()
    now.view.close()


def _columns(source: Any) -> list[Any]:
    return [v if isinstance(v, (np.ndarray, list)) else list(v) for v in source.data.values()]


def test_a_refused_address_leaves_the_first_state(spares: Spares) -> None:
    document = spares.make("ghosts", lambda: None)
    assert document is not None
    view = LensPage.standing.pop(document).view
    before = view.lens.request()
    with set_curdoc(document), pytest.raises(ValueError, match="temperature"):
        view.open({"temperature": "-1", "order": "8"})
    assert view.lens.request() == before == view._mailbox.pending
    view.close()


@pytest.mark.parametrize("slug", SLUGS)
def test_its_document_is_written_and_sound(
    slug: str, spares: Spares, caplog: pytest.LogCaptureFixture
) -> None:
    document = spares.make(slug, lambda: None)
    assert document is not None
    with caplog.at_level(logging.WARNING):
        document.validate()
    # An empty column is a figure's place in another state. A server of ours does not look.
    assert not [record for record in caplog.records if "EMPTY_LAYOUT" not in record.getMessage()]
    assert ahead._written[document].content["doc"]["roots"][0]["id"] == document.roots[0].id
    assert spare._TOKEN in spare._html[document]
    page = LensPage.standing.pop(document)
    with set_curdoc(document):
        page.view.open({})
    assert document in ahead._written, "nothing has changed by being opened"
    page.view.close()


def test_a_lens_without_a_stored_frame_is_not_made_ahead(
    spares: Spares, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_frame, "load", lambda _slug: None)
    assert spares.make("psf", lambda: None) is None


def test_sessions_are_given_what_lies_ready_then_what_is_made_for_them(
    spares: Spares, monkeypatch: pytest.MonkeyPatch
) -> None:
    import panel.io.server as server

    for module, name in ((spare._contexts, "Document"), (server, "server_html_page_for_session"),
                         (ApplicationContext, "create_session_if_needed")):  # fmt: skip
        monkeypatch.setattr(module, name, getattr(module, name))
    supply = Supply(spares.make, kept=1, pause=3600.0)
    supply.prepare(["psf"])
    (ready,) = supply._ready["psf"]
    spare.install(supply)
    spare.install(supply)
    application = build_applications({"psf": lambda: pages.lens_page("psf")})["/psf"]
    plain = Application(FunctionHandler(lambda _document: None))
    found: dict[str, Any] = {}

    async def ask() -> None:
        lens, other = (
            ApplicationContext(app, io_loop=IOLoop.current(), url=url)
            for app, url in ((application, "/psf"), (plain, "/"))
        )
        for name, context in (("other", other), ("first", lens), ("second", lens)):
            request: Any = HTTPServerRequest(start_line=RequestStartLine("GET", "/psf?levels=9", "HTTP/1.0"))
            token = generate_jwt_token(ID(name))
            found[name] = await context.create_session_if_needed(ID(name), request, token)
        found["again"] = await lens.create_session_if_needed(ID("first"))

    # A loop of its own, on a thread: that of the browser tests runs on this one.
    in_a_thread(lambda: asyncio.run(ask()))
    assert found["first"] is found["again"] and found["first"].document is ready
    assert found["first"].id == "first"
    assert found["second"].document not in (ready, found["other"].document)
    assert not LensPage.standing.get(ready), "and nobody else is given it"
    for name in ("first", "second"):
        html = server.server_html_page_for_session(
            found[name], resources=spares._tornado.resources(), title="", token=f"{name}.token",
            template=found[name].document.template,
            template_variables=found[name].document.template_variables,
        )  # fmt: skip
        assert f"{name}.token" in html and spare._TOKEN not in html
        assert found[name].document.roots[0].id in html


@pytest.mark.parametrize("slug", SLUGS)
def test_a_session_that_has_ended_leaves_nothing_behind(slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten megabytes each otherwise, for as long as the server runs."""
    kept: list[weakref.ref[Any]] = []
    make = LensPage.__init__

    def note(self: LensPage, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        kept.extend((weakref.ref(self.view), weakref.ref(self.frame)))

    monkeypatch.setattr(LensPage, "__init__", note)
    application = build_applications({slug: lambda: pages.lens_page(slug)})[f"/{slug}"]
    application.add(DocumentLifecycleHandler())

    async def open_and_leave() -> None:
        context = ApplicationContext(application, io_loop=IOLoop.current(), url=f"/{slug}")
        request = HTTPServerRequest(start_line=RequestStartLine("GET", f"/{slug}", "HTTP/1.0"))
        session = await context.create_session_if_needed(ID("it"), request, generate_jwt_token(ID("it")))
        kept.append(weakref.ref(session.document))
        session.request_expiration()
        await context._cleanup_sessions(0)

    in_a_thread(lambda: asyncio.run(open_and_leave()))
    gc.collect()
    assert len(kept) == 3 and [reference() for reference in kept if reference() is not None] == []


def in_a_thread(action: Callable[[], None]) -> None:
    failed: list[BaseException] = []

    def run() -> None:
        try:
            action()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
