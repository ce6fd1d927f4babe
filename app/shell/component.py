"""What all components of the page share: their files, their style, and no debounce."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache, partial
from importlib.resources import files
from typing import Any, ClassVar

import param
from bokeh.model import Model
from panel.custom import JSComponent
from panel.io.state import state


@cache
def asset(name: str) -> str:
    """Text of a file of `assets/components`."""
    return (files("anisoscope.assets") / "components" / name).read_text(encoding="utf-8")


@cache
def _name_of(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _holds(model: Model, name: str, value: Any) -> bool:
    # Asked for a property that is not there, Bokeh searches for names like it.
    return model.lookup(name, raises=False) is not None and getattr(model, name) == value


class MarksItself:
    """Of a component that Panel draws in the browser: that it looks for models of the page only in its own data."""

    @classmethod
    def _patch_datamodel_ref(cls, props: Any, ref: str) -> None:
        # Panel would look for further models through the children, and the callbacks, which lead to every source of
        # a lens.
        mark = f"__ref:{ref}"
        if mark not in props.tags:
            props.tags.append(mark)


class PlainComponent(JSComponent):
    """Drawn by plain ECMAScript: the browser takes it as it is."""

    __abstract = True

    def _get_properties(self, doc: Any) -> dict[str, Any]:
        # A name under which the browser keeps the module: where there is none, Panel sends the code of each component
        # through a compiler of newer languages.
        return {**super()._get_properties(doc), "bundle": _name_of(str(self._esm))}


class Component(MarksItself, PlainComponent):
    """Base of the page's components: plain ECMAScript and CSS read from `assets/components`.

    A subclass named `Dial` is drawn by `dial.js` and `dial.css`, after `base.css`. Nothing is fetched
    from another host and nothing is built, so the same object works served and in a notebook.
    """

    # Panel waits 50 ms before it looks at an event and drops what comes meanwhile: 12 to 14
    # events a second instead of every move of the mouse.
    _debounce: ClassVar[int] = 0

    _at_once: ClassVar[tuple[str, ...]] = ()
    """Parameters that follow the browser without waiting for Panel's timer."""

    __abstract = True

    _rename: ClassVar[Mapping[str, str | None]] = {"handle": None}

    handle = param.String(default="", precedence=-1, doc="Name by which browser code finds this model.")

    def _get_model(self, *args: Any, **kwargs: Any) -> Model:
        model = super()._get_model(*args, **kwargs)
        if self.handle:
            model.name = self.handle
        for name in self._at_once:
            model.data.on_change(name, self._take)  # pyright: ignore[reportAttributeAccessIssue]
        return model

    def _server_change(self, doc: Any, ref: str, subpath: str | None, attr: str, old: Any, new: Any) -> None:
        if attr not in self._at_once:
            super()._server_change(doc, ref, subpath, attr, old, new)

    def _server_event(self, doc: Any, event: Any) -> None:
        # What comes while other changes wait, Panel postpones without the document's lock: a button pressed then would
        # fail at the first thing it writes.
        if doc.session_context and (not state._unblocked(doc) or doc in state._change_callbacks):
            doc.add_next_tick_callback(partial(self._event_coroutine, doc, event))
        else:
            super()._server_event(doc, event)

    def _param_change(self, *events: param.parameterized.Event) -> None:
        # What every model has already needs none of Panel's ways to them.
        models = [model.data for model, _ in self._models.values()]  # pyright: ignore[reportAttributeAccessIssue]
        unknown = [e for e in events if not all(_holds(m, e.name, e.new) for m in models)]
        if unknown:
            super()._param_change(*unknown)

    def put(self, **values: Any) -> None:
        """Set parameters and write them to the models at once, where the document may be changed."""
        for model, _ in self._models.values():
            model.data.update(**values)  # pyright: ignore[reportAttributeAccessIssue]
        self.param.update(**values)

    def _take(self, name: str, _old: Any, new: Any) -> None:
        """The browser set a property: take it over inside the message that brought it.

        Panel would do the same some 15 ms later, from a timer.
        """
        if getattr(self, name) != new:
            setattr(self, name, new)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        name = cls.__name__.lower()
        cls._esm = asset(f"{name}.js")
        cls._stylesheets = [asset("base.css"), asset(f"{name}.css")]
