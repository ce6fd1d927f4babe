"""The thin frame around a lens: header of 46 px, theme switch, favicon, fonts; no request to another host."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui
from bokeh.document import Document
from bokeh.embed.bundle import extension_dirs
from bokeh.themes import Theme
from jinja2 import Template
from panel.io.document import init_doc
from panel.links import Callback
from panel.util.parameters import edit_readonly
from panel_material_ui.base import _env as material_templates

from .. import painting, theme
from . import dark, serving
from .component import MarksItself

# Bokeh serves registered folders at static/extensions/<name>/ under `panel serve` and `pn.serve` alike.
_FONT_FOLDER = Path(str(files("anisoscope.assets") / "fonts"))
extension_dirs["anisoscope"] = _FONT_FOLDER

# A class named in the document's theme is left alone by panel-material-ui, which otherwise rewrites axes
# (invisible lines), grids and plot grounds in the browser.
FIGURE_THEME = Theme(
    json={"attrs": {name: {} for name in ("Axis", "Grid", "Title", "Legend", "Figure", "ColorBar")}}
)

_HEADER_SX = {
    "& .MuiAppBar-root": {
        "height": "46px",
        "backgroundColor": "var(--an-page)",
        "backgroundImage": "none",
        "color": "var(--an-ink)",
        "boxShadow": "none",
        "borderBottom": "1px solid var(--an-line)",
    },
    "& .MuiToolbar-root": {"minHeight": "46px !important", "height": "46px", "padding": "0 20px 0 28px"},
    "& .main": {"backgroundColor": "var(--an-page)"},
    "@media (max-width: 640px)": {"& .MuiToolbar-root": {"padding": "0 6px 0 14px"}},
}

_TEMPLATE = """{% extends "base.html" %}
{% block postamble %}
<style id="an-tokens">{{ an_tokens }}</style>
<script>{{ an_script }}</script>
{% for module in an_modules %}<link rel="modulepreload" href="{{ module }}">
{% endfor %}{% for font in an_preload %}<link rel="preload" as="font" type="font/woff2" crossorigin href="{{ font }}">
{% endfor %}
{{ super() }}
{% endblock %}"""


@cache
def _template() -> Template:
    return material_templates.from_string(_TEMPLATE)


@cache
def _font_urls() -> dict[str, str]:
    """Addresses beside Panel's own files, with a hash so that they may be kept for ever."""
    urls = {}
    for name in dark.FONTS:
        version = hashlib.sha256((_FONT_FOLDER / name).read_bytes()).hexdigest()[:12]
        urls[name] = f"anisoscope/{name}?v={version}"
    return urls


class Frame(MarksItself, pmui.Page):
    """A Material page whose document brings our tokens, fonts and theme script before anything is painted."""

    _esm_base = "Page.jsx"

    @property
    def _preprocessing_hooks(self) -> list[Any]:  # pyright: ignore[reportIncompatibleVariableOverride]
        # Links between widgets are looked for in all models of a page; as long as nobody has made any there are none.
        hooks = pn.viewable.Viewable._preprocessing_hooks
        return [hook for hook in hooks if hook != Callback._process_callbacks or Callback.registry]

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        # Followed, "busy" changes at every event of the server, and each change walks the whole document: a tenth
        # of a second under the hand for an indicator that is not shown.
        with edit_readonly(self):
            self.busy = False
        # What followed it stays with the process otherwise, and keeps the page, of which it is a part.
        for _, watcher in self._param__private.ref_watchers:
            pn.state.param.unwatch(watcher)

    def server_doc(
        self, doc: Document | None = None, title: str | None = None, location: Any = True
    ) -> Document:
        if doc is not None and doc in self._documents:
            # Made ahead; it has a session now.
            return init_doc(doc)
        # pn.serve hands over its own "Panel Application" for the browser's tab.
        return super().server_doc(doc, self.meta.title if self.meta else title, location)

    def _populate_template_variables(self, template_variables: dict[str, Any]) -> None:
        super()._populate_template_variables(template_variables)
        # Relative, so that a prefix in front of the server (a proxy) changes nothing.
        root = pn.state.rel_path + "/" if pn.state.rel_path else ""
        urls = {name: f"{root}static/extensions/{url}" for name, url in _font_urls().items()}
        template_variables["an_tokens"] = theme.document_css() + dark.font_css(urls)
        template_variables["an_script"] = dark.script() + painting.script() + theme.asset("modules.js")
        # The bundle is asked for only once the document has come; known earlier, it is compiled meanwhile.
        template_variables["an_modules"] = [model.esm for model, _ in self._models.values()]
        template_variables["an_preload"] = [urls[name] for name in dark.FONTS[:2]]


def wordmark(here: str) -> pn.pane.HTML:
    """The serif name, linked to the gallery, and where the reader is."""
    slash = '<span class="slash">/</span>' if here else ""
    beside = f'{slash}<span class="here">{html.escape(here or "an observatory of anisotropy")}</span>'
    text = f'<div class="mark"><a href="./">Anisoscope</a>{beside}</div>'
    return pn.pane.HTML(text, stylesheets=[theme.asset("wordmark.css")], margin=0)


def lens_page(
    lens_title: str,
    body: pn.viewable.Viewable,
    actions: Sequence[pn.viewable.Viewable] = (),
) -> pmui.Page:
    """The page of one lens; an empty title makes it the gallery's page.

    Args:
        lens_title: shown beside the wordmark and on the browser's tab; plain text.
        body: the lens's layout, or the gallery.
        actions: objects of the header, in order.
    """
    serving.install()
    document = pn.state.curdoc
    if document is not None:
        document.theme = FIGURE_THEME
    return Frame(
        title="",
        meta_title=f"{lens_title} · Anisoscope" if lens_title else "Anisoscope",
        favicon=_favicon(),
        header=[wordmark(lens_title), *actions, dark.toggle()],
        main=[body],
        sidebar=[],
        busy_indicator=None,
        theme_toggle=False,
        theme_config=theme.material_theme(),
        sx=_HEADER_SX,
        template=_template(),
        raw_css=[theme.asset("page.css")],
    )


@cache
def _favicon() -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(theme.asset("favicon.svg").encode()).decode()
