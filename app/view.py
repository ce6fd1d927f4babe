"""One display of a lens: figures drawn once, controls bound to parameters, frames written as they come.

Every session and every notebook output has a view of its own; figures are never shared.
"""

from __future__ import annotations

import time
import uuid
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import panel as pn

from . import first_frame, hand, packet
from .composition import Parts, compose
from .delivery import Delivery
from .drawing.screen import Screen, Unselected, lay_out
from .errors import RequestError
from .frame import Columns, Frame
from .lens import Lens
from .request import Request
from .scheduler import NotebookScheduler, Scheduler, ServedScheduler
from .worker import Result, Worker, shared_worker

WORDS_DELAY, WORDS_PAUSE, WORDS_SHARE = 0.03, (0.12, 1.0), 4
"""Seconds after a frame at which the texts that quote it follow, once the picture is drawn; bounds of the seconds between
two times that they do, under the hand; and how many times as long as the browser takes over a frame that is."""


class LensView:
    """Draws a lens and keeps it drawn.

    Args:
        lens: the state; several views may show one lens.
        worker: the compute thread, the process's own when None.
        scheduler: where documents may be written; found from where the view is created when None.
        screens: its figures where those are drawn already, for a page that nobody has asked for yet: nothing is computed
            before `open`.
    """

    def __init__(
        self,
        lens: Lens,
        worker: Worker | None = None,
        scheduler: Scheduler | None = None,
        screens: Sequence[Screen] = (),
    ) -> None:
        self.lens = lens
        self.owner = uuid.uuid4().hex[:8]
        self._worker = worker or shared_worker()
        self._scheduler = scheduler or self._find_scheduler()
        self._from_browser = False
        self._along = False
        self._words_due = False
        self._words_shown = 0.0
        self.on_settled: list[Callable[[Request], None]] = []
        self._request = lens.request()
        stored = first_frame.opening(lens)
        self.complete = stored or lens.compute()
        self.frame = self.complete
        self._draw(list(screens))
        self.parts = Parts(self)
        self.layout = compose(self)
        self.layout.lens_view = self  # type: ignore[attr-defined]
        self._delivery: Delivery[Result] = Delivery(self._scheduler, self._write, paused=True)
        self._packet.on_change("echo", lambda _a, _o, echo: self._acknowledged(echo))
        self.parts.keyboard.on_ready(self._delivery.resume)
        self._mailbox = self._worker.open(lens.frames, _weak(self._delivered))
        self._watcher = lens.param.watch(_weak(self._parameters_changed), lens.names())
        self._watch_end_of_session()
        self._told = _weak(self._history_changed)
        lens.history.on_change(self._told)
        # A notebook never says that an output is gone: its training must not go on for nobody.
        weakref.finalize(self, self._worker.close, self._mailbox)
        self.parts.status.starting(stored is not None)
        self._open = not screens
        if self._open:
            self._worker.ask(self._mailbox, self._request)

    def open(self, values: Mapping[str, Any]) -> list[str]:
        """Somebody asks for a page that was made ahead, in the state of their address. Returns unknown names.

        What is shown is what a view made in that state shows; there is nothing to undo.

        Raises:
            RequestError: a value is refused; the page opens in its first state.
        """
        opening = self._request
        try:
            with self.lens.history.hand_moving():
                return self.lens.restore(values)
        finally:
            if self._request != opening:
                self._stand_in()
            self._open = True
            self._worker.ask(self._mailbox, self._request)

    def _stand_in(self) -> None:
        """Show the stored frame in the present state until there is one of that state."""
        self.frame = self.complete = first_frame.opening(self.lens) or self.complete
        for screen, figure in zip(self.screens, self.lens.figures(self.complete), strict=True):
            screen.follow(figure)
        for index, data, _ in self._changes(self.complete):
            self._sources[index].data = dict(data)
        self._hand.update(upstream=hand.told(self._request))
        self.parts.stand_in(self._request, self.complete)
        self.lens.history.restart(self._request)

    def close(self) -> None:
        """Let go of the worker and the lens; the session or output is gone."""
        self.lens.param.unwatch(self._watcher)
        self.lens.history.leave(self._told)
        self._worker.close(self._mailbox)

    def cancel(self) -> None:
        """Stop what is being computed; the last true frame stays."""
        self._worker.cancel(self._mailbox)
        self.parts.status.cancelled()

    def pause(self) -> None:
        """Stop what is being computed, where something is; what comes when the hand rests waits for just that."""
        if not self.frame.final and self.frame.stage[0] > 1:
            self.cancel()

    def resume(self) -> None:
        """Go on where `pause` stopped."""
        if not self.frame.final and self._mailbox.running is None:
            self._worker.ask(self._mailbox, self._request)

    def act(self, name: str) -> None:
        """What a button of the lens does."""
        try:
            values = self.lens.act(name)
        except RequestError as error:
            self.parts.status.refused(error)
            return
        self.set(values)

    def undo(self) -> None:
        """Back to the state that was settled on before this one."""
        self._travel(-1)

    def redo(self) -> None:
        """On to the state that was undone last."""
        self._travel(1)

    def _travel(self, step: int) -> None:
        history = self.lens.history
        # What a key has moved and not let go of yet is a state of its own to come back to.
        history.enter(self.lens.request())
        state = history.neighbour(step)
        if state is None:
            return
        with history.hand_moving():
            taken = self.set(state.as_dict())
        if taken:
            history.travel(step, self.lens.request())
        else:
            # A file of that state is gone: it is refused in words, the reader stays, and may go on past it.
            history.forget(step)

    def set_along(self, values: dict[str, Any]) -> None:
        """Set what moves on by itself: it belongs to the present state."""
        before = self.lens.request().as_dict()
        self._along = True
        try:
            with self.lens.history.hand_moving():
                self.set(values)
        finally:
            self._along = False
        after = self.lens.request().as_dict()
        self.lens.history.amend({name: value for name, value in after.items() if before[name] != value})

    def _set_by_gesture(self, values: dict[str, Any], ended: bool) -> None:
        with self.lens.history.hand_moving():
            self.set(values)
        if ended:
            self.settled()

    def set(self, values: dict[str, Any], from_browser: bool = False, reset: bool = False) -> bool:
        """Set parameters by name as the reader asked; a refused value leaves everything as it was.

        With `reset` the parameters not named return to their defaults, as presets and links mean it.
        Returns whether the values were taken.
        """
        if reset:
            values = {**self.lens.defaults(), **values}
        try:
            checked, unknown = self.lens.check(values)
        except RequestError as error:
            self.parts.status.refused(error)
            return False
        if checked.keys() - self.lens.client_side and not self._along:
            # Though nothing changes: it may be the present state that is asked for, after a refusal.
            self.parts.status.asked()
        self._from_browser = from_browser
        try:
            with self.lens.history.hand_moving() if from_browser else nullcontext():
                self.lens.param.update(**checked)
        finally:
            self._from_browser = False
        if unknown:
            self.parts.status.ignored(unknown)
        return True

    def open_file(self, name: str, content: bytes) -> None:
        """Take over the state a dropped file holds."""
        try:
            values = self.lens.open_file(name, content)
        except RequestError as error:
            self.parts.status.refused(error)
            return
        self.set(values, reset=True)

    @property
    def computing(self) -> bool:
        """Whether a request is on its way that can be cancelled."""
        return self._mailbox.running is not None

    @property
    def served(self) -> bool:
        """Whether this is a page of a server, not an output in a notebook."""
        return isinstance(self._scheduler, ServedScheduler)

    def _find_scheduler(self) -> Scheduler:
        document = pn.state.curdoc
        if document is not None and document.session_context is not None:
            return ServedScheduler(document)
        return NotebookScheduler(_weak(self._push_to_notebook))

    def _push_to_notebook(self) -> None:
        from panel.io.notebook import push

        document = self.screens[0].model.document
        for _view, _root, owner, comm in list(pn.state._views.values()):
            if owner is document and document is not None and comm is not None:
                push(document, comm)
                return

    def _watch_end_of_session(self) -> None:
        if isinstance(self._scheduler, ServedScheduler):
            self._scheduler.document.on_session_destroyed(lambda _context: self.close())

    def _draw(self, screens: list[Screen]) -> None:
        figures = self.lens.figures(self.complete)
        self.screens = screens or lay_out(figures, self.complete)
        drawn = {layer.table for figure in figures for layer in figure.layers}
        extra = {name: _plain(c) for name, c in self.frame.tables.items() if name not in drawn}
        unselected = Unselected()
        self._extra = {name: unselected.source(columns) for name, columns in extra.items()}
        self._sources = [source for screen in self.screens for _, source in screen.sources]
        self._sources += self._extra.values()
        self._sent: list[dict[str, Any]] = [{str(k): v for k, v in s.data.items()} for s in self._sources]
        self._seen: dict[str, Columns] = {}
        self._packet = packet.Packet()
        values = self._request.as_dict()
        client = {k: v for k, v in values.items() if k in self.lens.client_side}
        self._hand = hand.Hand(owner=self.owner, upstream=hand.told(self._request), values=client)
        redraw = hand.attach(self.lens.slug, self._hand, self.screens, self._extra)
        receipt = packet.attach(self._packet, self._sources, redraw)
        # The packet must be reachable from the document; this property never changes.
        self.screens[0].draw(self.complete).js_on_change("name", receipt)
        hand.on_changes(self._hand, _weak(self._set_by_gesture))

    def settled(self) -> None:
        """The hand let go, or a choice was made: a state that can be undone, and the address may follow."""
        request = self.lens.request()
        self.parts.status.settled(request)
        self.lens.history.enter(request)

    def _history_changed(self) -> None:
        self.parts.show_undo()
        for callback in self.on_settled:
            callback(self.lens.request())

    def call(self, action: Callable[[], None]) -> None:
        """Run what changes the page where that is allowed; for threads."""
        self._scheduler.call(action)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """The same after some seconds."""
        self._scheduler.later(seconds, lambda: self._scheduler.call(action))

    @property
    def hand_model(self) -> hand.Hand:
        return self._hand

    def _parameters_changed(self, *_events: Any) -> None:
        if isinstance(self._scheduler, NotebookScheduler):
            self._scheduler.remember()
        asked = self.lens.request()
        before, self._request = self._request, asked
        # Not what the events name: a lens that sets one parameter after another is told of the second first.
        changed = {name for name, value in asked.values if before[name] != value}
        self.parts.follow(changed)
        upstream = changed - self.lens.client_side
        if upstream and not self._along:
            self.parts.status.asked()
        if not self._from_browser and changed & self.lens.client_side:
            self._hand.update(values={k: v for k, v in asked.values if k in self.lens.client_side})
            if isinstance(self._scheduler, NotebookScheduler):
                self._push_to_notebook()
        if self._open and upstream:
            self._worker.ask(self._mailbox, asked)
        if not self.lens.history.moving:
            self.settled()

    def _acknowledged(self, serial: int) -> None:
        if isinstance(self._scheduler, NotebookScheduler):
            self._scheduler.remember()
        self._delivery.acknowledge(serial)

    def _delivered(self, result: Result) -> None:
        if result.frame is not None:
            self._delivery.offer(result)
        else:
            self._scheduler.call(lambda: self.parts.status.ended(result))

    def _write(self, result: Result, serial: int) -> None:
        assert result.frame is not None
        started = time.perf_counter()
        self.frame = result.frame
        self.complete = result.frame.after(self.complete)
        figures = {figure.name: figure for figure in self.lens.figures(self.complete)}
        with pn.io.hold(self.screens[0].model.document):
            for screen in self.screens:
                screen.follow(figures[screen.figure.name])
            layout, payload = packet.pack(self._changes(result.frame))
            self._packet.update(layout=layout, payload=payload)
            self._hand.update(upstream=hand.told(result.request))
            self.parts.show_numbers(self._request, self.complete)
            self.parts.status.drawn(result, time.perf_counter() - started)
            self._packet.update(serial=serial)
        self._show_words_soon()
        if self.frame.final and (values := self.lens.follow_up()):
            self.set_along(values)

    def _show_words_soon(self) -> None:
        """Words may follow the picture a moment later: writing them takes as long as a frame."""
        if not self._words_due:
            self._words_due = True
            shortest, longest = WORDS_PAUSE
            pause = min(longest, max(shortest, WORDS_SHARE * self._delivery.took))
            since = time.monotonic() - self._words_shown
            self.later(max(WORDS_DELAY, pause - since), self._show_words)

    def _show_words(self) -> None:
        self._words_due, self._words_shown = False, time.monotonic()
        self.parts.show_words(self._request, self.complete)
        self.parts.status.show()

    def _changes(self, frame: Frame) -> list[packet.Change]:
        """The sources whose content is not what the browser has."""
        # Tables that a lens keeps are the same objects from frame to frame: not even compared.
        fresh = {name: table for name, table in frame.tables.items() if table is not self._seen.get(name)}
        self._seen |= fresh
        frame = Frame(fresh)
        offered: dict[int, dict[str, Any]] = {}
        place = {id(source): index for index, source in enumerate(self._sources)}
        for screen in self.screens:
            offered |= {place[id(source)]: data for source, data in screen.changes(frame)}
        for table, source in self._extra.items():
            if table in frame.tables:
                offered[place[id(source)]] = _plain(frame.tables[table])
        changed: list[packet.Change] = []
        for index, data in offered.items():
            sent = self._sent[index]
            if not all(packet.same(sent.get(name), values) for name, values in data.items()):
                changed.append((index, data, sent))
                self._sent[index] = data
        return changed


def _plain(columns: Any) -> dict[str, Any]:
    """Tables that only hand.js reads keep float64: their differences are what it draws."""
    return {name: np.asarray(v) if not isinstance(v, list) else v for name, v in columns.items()}


def _weak(method: Callable[..., None]) -> Callable[..., None]:
    """Calls a bound method as long as its object lives: notebooks never tell when an output is gone."""
    reference = weakref.WeakMethod(method)

    def call(*args: Any) -> None:
        alive = reference()
        if alive is not None:
            alive(*args)

    return call
