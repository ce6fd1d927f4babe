"""What every lens is: parameters, a request, frames, figures. No computation happens in a constructor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from .control import Attachment, Card, Claim, Group, Readout, Table
from .errors import RequestError
from .figure import Figure
from .frame import Columns, Frame, Idle
from .history import History
from .parameters import coerce
from .request import Request

if TYPE_CHECKING:
    from .following import Following


@dataclass(frozen=True)
class Paper:
    """The result a lens shows: who and when in short, arXiv identifier, BibTeX entry; `page` where it is not on arXiv."""

    short: str
    arxiv: str
    bibtex: str
    page: str = ""


@dataclass(frozen=True)
class Records:
    """Records of trainings that a lens shows while they grow, for `anisoscope watch`.

    content: the word in their header. ending: of such files, by which one that is not there yet is known. most:
    files that are shown at once. writer: what writes them, for errors. opening: values of parameters, beside
    `watch`, with which the page begins.
    """

    content: str
    ending: str
    most: int
    writer: str
    opening: Mapping[str, Any]


class Lens(pn.viewable.Viewer):
    """Base of all lenses. A subclass says what it shows; the platform draws, exports and restores it.

    Parameters of a subclass are Param parameters; each is part of the request unless its
    precedence is negative. `client_side` names those that move only marks: they never reach
    `frames`, the browser redraws them by `assets/<slug>/hand.js`, and `hand` is its Python twin.
    """

    slug: ClassVar[str] = ""
    title: ClassVar[str] = ""
    hook: ClassVar[str] = ""
    field: ClassVar[str] = ""
    papers: ClassVar[tuple[Paper, ...]] = ()
    lede: ClassVar[tuple[str, str]] = ("", "")
    second: ClassVar[str] = ""
    client_side: ClassVar[frozenset[str]] = frozenset()
    drop_words: ClassVar[str] = "Drop a request.json or an exported zip here"
    cost: ClassVar[str] = "instant"
    opens: ClassVar[tuple[str, ...]] = (".json", ".zip")
    records: ClassVar[Records | None] = None
    amplifies: ClassVar[float] = 0.0
    """Relative difference that another processor's rounding may make in the facts: a training amplifies it."""

    def names(self) -> list[str]:
        """Names of the parameters that make up a request, in their order of declaration."""
        own = type(self).param.objects("existing")
        return [n for n, p in own.items() if n != "name" and (p.precedence is None or p.precedence >= 0)]

    def defaults(self) -> dict[str, Any]:
        return {name: self.param[name].default for name in self.names()}

    def link(self) -> str:
        """Path and query of the page of this state, as `serve(page=…)` takes it."""
        query = self.request().to_query(self.defaults())
        return f"{self.slug}?{query}" if query else self.slug

    def bring(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Parameter values from the arguments of `open_lens`, among them objects of Python that no link can hold."""
        return dict(arguments)

    def request(self) -> Request:
        """What is asked for now, frozen."""
        return Request.of(self.slug, {name: getattr(self, name) for name in self.names()})

    @cached_property
    def history(self) -> History:
        """What can be undone, from the state in which it is first asked for."""
        return History(self.request())

    def check(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Known parameters of `values`, coerced and within bounds, and the names not known here.

        Raises:
            RequestError: the first value out of range, by name.
        """
        known = set(self.names())
        checked = {name: coerce(name, self.param[name], v) for name, v in values.items() if name in known}
        return checked, [name for name in values if name not in known]

    def restore(self, values: Mapping[str, Any]) -> list[str]:
        """Take over a request's parameters; nothing changes where one is refused. Returns unknown names."""
        checked, unknown = self.check({**self.defaults(), **values})
        self.param.update(**checked)
        return unknown

    def validated(self, request: Request | Mapping[str, Any] | None) -> Request:
        """A request for this lens from a request, a mapping or (None) the parameters' values now."""
        if request is None:
            return self.request()
        if isinstance(request, Request):
            if request.lens != self.slug:
                raise RequestError("lens", request.lens, f"this lens is {self.slug}")
            request = request.as_dict()
        checked, unknown = self.check(request)
        if unknown:
            raise RequestError(
                unknown[0], request[unknown[0]], f"known parameters: {', '.join(self.names())}"
            )
        return Request.of(self.slug, {**self.defaults(), **checked})

    def frames(self, request: Request) -> Iterator[Frame | Idle | None]:
        """Frames for a request, coarse first; closing the generator cancels. Runs on the worker's thread.

        A finer frame may leave out tables and facts that did not change.

        What is yielded must not depend on the `client_side` parameters: moving those asks for no frame.
        Yield None inside long work: nothing is drawn, but a newer request can take over there. Yield Idle to leave
        the page time, or where something outside (a file that grows) may bring more later.
        """
        raise NotImplementedError

    def hand(self, request: Request, frame: Frame) -> dict[str, Columns]:
        """Tables that depend on the `client_side` parameters; the Python twin of `assets/<slug>/hand.js`."""
        return {}

    def hand_facts(self, request: Request, frame: Frame) -> dict[str, Any]:
        """Numbers that depend on the `client_side` parameters, for presets and exports."""
        return {}

    def compute(self, request: Request | Mapping[str, Any] | None = None) -> Frame:
        """The last frame of a request, with no thread: for tests, notebooks and exports.

        Raises:
            RequestError: a parameter is unknown or out of range.
        """
        asked = self.validated(request)
        frame: Frame | None = None
        for step in self.frames(asked):
            if isinstance(step, Idle) and step.outside:
                break
            frame = step.after(frame) if isinstance(step, Frame) else frame
        if frame is None:
            raise RequestError("request", asked.as_dict(), "the lens gave no frame for it")
        facts = {**frame.facts, **self.hand_facts(asked, frame)}
        return Frame({**frame.tables, **self.hand(asked, frame)}, facts, frame.stage, frame.notes)

    def figures(self, frame: Frame) -> tuple[Figure, ...]:
        """The figures of a frame; their number and layers are the same for every frame."""
        raise NotImplementedError

    def controls(self) -> tuple[Group, ...]:
        """The controls, in reading order; of those that are shown, one Dial is marked primary, the reader's hand."""
        raise NotImplementedError

    def invitation(self) -> tuple[str, str]:
        """What the reader can do now, and what is then to be seen: `lede`, unless a view has words of its own."""
        return self.lede

    def topic(self) -> str:
        """Which "What you see: TOPIC" of the story explains this state: the words of the view, where a lens has several."""
        if "view" not in self.param:
            return ""
        views = self.param["view"]
        if not isinstance(views, param.Selector):
            return ""
        return next((words for words, view in views.get_range().items() if view == self.view), "")  # pyright: ignore[reportAttributeAccessIssue]

    def readouts(self, request: Request, frame: Frame) -> tuple[Readout, ...]:
        """Rows of numbers under the controls."""
        return ()

    def card(self, request: Request, frame: Frame) -> Card | None:
        """What is selected (a sample, a pulsar), shown under the controls."""
        return None

    def table(self, request: Request, frame: Frame) -> Table | None:
        """Numbers to read off and copy, under the figures."""
        return None

    def claims(self, request: Request, frame: Frame) -> tuple[Claim, ...]:
        """What the theory does not say, and where we differ from the paper, with live numbers."""
        return ()

    def attachments(self, request: Request, frame: Frame) -> dict[str, Attachment]:
        """Further files of an export by name: values that the figures draw as colours or codes, and what other
        programs of the field read."""
        return {}

    def bound_to_process(self, request: Request) -> str:
        """What only this process has of a state, in words; empty where request.json restores it anywhere."""
        return ""

    def following(self) -> Following[Any]:
        """The files of `records` that this process follows; the parameter `watch` holds their names."""
        raise NotImplementedError

    def act(self, name: str) -> dict[str, Any]:
        """Values of parameters that the `Action` of this name sets."""
        raise NotImplementedError

    def follow_up(self) -> dict[str, Any]:
        """Values of parameters that follow by themselves once a last frame is there; they make no new state to undo."""
        return {}

    def open_file(self, name: str, content: bytes) -> dict[str, Any]:
        """Parameter values that a dropped file asks for: a request.json or an exported zip.

        Raises:
            RequestError: the file is not one of these, or is of another lens.
        """
        from .export.restore import read_dropped

        slug, values = read_dropped(name, content)
        if slug != self.slug:
            raise RequestError("lens", slug, f"this lens is {self.slug}; open the file on its own lens")
        return values

    def __panel__(self) -> pn.viewable.Viewable:
        from .view import LensView

        return LensView(self).layout
