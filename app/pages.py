"""What a session is given: the gallery, or one lens with its address, export and first state."""

from __future__ import annotations

import io
import weakref
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, ClassVar

import panel as pn
from bokeh.document import Document

from . import ahead
from .activity import touched
from .composition import html
from .drawing.screen import Screen
from .errors import RequestError, UnknownLensError
from .lens import Lens
from .registry import lens_class, lens_entries
from .request import Request
from .scheduler import Scheduler
from .shell import gallery, page
from .shell.exporting import ExportButton
from .shell.share import Share
from .sources import lens_sources
from .view import LensView

# The theme is the reader's, the lens is the address: neither is a parameter of a lens.
RESERVED = ("lens", "theme")


def gallery_page(href: str = "/{slug}") -> pn.viewable.Viewable:
    """The page of all lenses; `href` makes a lens's address from its slug."""
    entries = lens_entries()
    return page.lens_page("", gallery.gallery(entries, lambda slug: href.format(slug=slug)))


def lens_page(slug: str) -> pn.viewable.Viewable:
    """One lens in the state its address asks for.

    A lens that cannot be loaded answers with its message; a refused parameter leaves the opening state
    and is named in the status line.
    """
    touched()
    document = pn.state.curdoc
    made = None if document is None else LensPage.standing.pop(document, None)
    if made is not None:
        unknown, refusal = _taken(made.view.open)
    else:
        try:
            lens = lens_class(slug)()
        except Exception as error:
            return page.lens_page(slug, _broken(slug, error))
        unknown, refusal = _taken(lens.restore)
        made = LensPage(lens)
        if document is not None and made.view.served:
            ahead.write_soon(document)
    if refusal is not None:
        made.view.parts.status.refused(refusal)
    elif unknown:
        made.view.parts.status.ignored(unknown)
    return made.frame


class LensPage:
    """A lens within the frame of a page: its view, its address, its export.

    Args:
        lens: in the state that the page shows first.
        scheduler, screens: of its view, for a page that nobody has asked for yet.
    """

    standing: ClassVar[weakref.WeakKeyDictionary[Document, LensPage]] = weakref.WeakKeyDictionary()
    """Those that nobody has asked for yet, by the document that they stand in."""

    def __init__(
        self, lens: Lens, scheduler: Scheduler | None = None, screens: Sequence[Screen] = ()
    ) -> None:
        self.view = view = LensView(lens, scheduler=scheduler, screens=screens)
        self.frame = page.lens_page(lens.title, view.layout, [view.parts.undo, _share(view), _export(view)])

    def stand(self, document: Document) -> None:
        """The page is in this document, and whoever opens it asks for the page."""
        self.standing[document] = self


def main_page() -> pn.viewable.Viewable:
    """`panel serve app/main.py`: the gallery, or with ?lens=slug that lens."""
    slug = _query().get("lens", "")
    return lens_page(slug) if slug else gallery_page("?lens={slug}")


def _query() -> dict[str, str]:
    arguments: dict[str, Any] = pn.state.session_args or {}
    return {name: values[0].decode("utf-8", "replace") for name, values in arguments.items() if values}


def _asked() -> dict[str, str]:
    return {name: word for name, word in _query().items() if name not in RESERVED}


def _taken(restore: Callable[[dict[str, str]], list[str]]) -> tuple[list[str], RequestError | None]:
    try:
        return restore(_asked()), None
    except RequestError as error:
        return [], error


def _share(view: LensView) -> Share:
    share = Share(query=view.lens.request().to_query(view.lens.defaults()))

    def follow(request: Request) -> None:
        share.query = request.to_query(view.lens.defaults())

    view.on_settled.append(follow)
    return share


def _export(view: LensView) -> ExportButton:
    button = ExportButton()

    def make() -> tuple[str, bytes]:
        # Matplotlib is heavy and only paper needs it.
        from .export import export_bundle

        buffer = io.BytesIO()
        export_bundle(view.lens.request().to_json(), buffer)
        return f"anisoscope-{view.lens.slug}.zip", buffer.getvalue()

    button.connect(make, view.call)
    return button


def _broken(slug: str, error: Exception) -> pn.viewable.Viewable:
    if isinstance(error, UnknownLensError):
        words = escape(str(error))
    else:
        source = lens_sources().get(slug)
        origin = f" from {escape(source.distribution)}" if source and source.distribution else ""
        reason = escape(f"{type(error).__name__}: {error}")
        words = f"The lens <b>{escape(slug)}</b>{origin} could not be loaded: {reason}"
    return html(f'<p class="broken" role="alert">{words}</p><p><a href="./">All lenses</a></p>', "an-broken")
