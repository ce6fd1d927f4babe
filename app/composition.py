"""The parts of a lens's page, laid into the grid of `theme`: title, controls, figures, story, claims, status."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import panel as pn

from . import numbers, words
from .binding import bind
from .control import Dial, Table, Transport, hands, shown
from .drawing.canvas import Canvas
from .drawing.screen import DRAWING, Screen
from .figure import Condition
from .frame import Frame
from .lens import Lens
from .presets import Preset, presets
from .reporting import Reporter
from .request import Request
from .shell import dark
from .shell import table as shell_table
from .shell.drop import DropZone
from .shell.head import figure_head, head_html
from .shell.keyboard import Binding, Keyboard, playing, standard_bindings
from .shell.notice import Notice
from .shell.readouts import Readouts
from .shell.tries import Tries
from .shell.undo import Undo
from .theme import stylesheets

if TYPE_CHECKING:
    from .view import LensView


SHOWN_FIRST = 3
"""Figures that a page opens with: the first screenful. The others follow once these are drawn."""

PLACING_PAUSE = 0.02


@dataclass(eq=False)
class Postponed:
    """A figure that is not on the page yet: once it is shown its block holds an empty place, then the figure."""

    screen: Screen
    block: pn.Column


class Parts:
    """Everything of a view that is not a canvas, and how it follows the lens."""

    def __init__(self, view: LensView) -> None:
        lens, frame, request = view.lens, view.complete, view.lens.request()
        self.lens = lens
        self.bindings = {
            control.name: bind(control, lens, view) for group in lens.controls() for control in group.controls
        }
        self.readouts = Readouts(handle=f"readouts-{view.owner}", sizing_mode="stretch_width", margin=0)
        self._show_stored_numbers(request, frame)
        self.card = html(words.card(lens.card(request, frame)), "an-card")
        self.claims = html(words.claims(lens.claims(request, frame)), "an-claims")
        self.lede = html(words.lede(lens), "an-lede")
        self.see = html(words.explanation(lens), "an-see")
        self.table = _table(lens, lens.table(request, frame))
        self.presets = {preset.name: preset for preset in presets(lens.slug)}
        defaults = lens.defaults()
        self._named = {
            name: Request.of(lens.slug, {**defaults, **preset.params}).as_dict()
            for name, preset in self.presets.items()
        }
        self.tries = Tries(items=[_item(p) for p in self.presets.values()], sizing_mode="stretch_width")
        self.tries.current = self._current_preset()
        self.tries.on_choose(lambda name: view.set(dict(self.presets[name].params), reset=True))
        self.status = Reporter(view)
        self.drop = DropZone(label=lens.drop_words, accept=list(lens.opens), margin=0)
        self.drop.on_file(view.open_file)
        self._view = view
        self.keyboard = self._keyboard()
        self.undo = Undo(margin=0)
        self.undo.on_press(lambda pressed: view.undo() if pressed == "undo" else view.redo())
        self.show_undo()
        self.heads: dict[str, pn.pane.HTML] = {}
        self.conditional: list[tuple[Condition, pn.viewable.Viewable]] = []
        self.postponed: list[Postponed] = []
        self._placing = False
        self._due = False
        self.keyboard.on_ready(self._start_placing)

    def _keyboard(self) -> Keyboard:
        view = self._view
        keyboard = Keyboard(everywhere=view.served)
        keyboard.bind(self._keys())
        actions = {
            "preset_next": lambda: self._step_preset(view, 1),
            "preset_previous": lambda: self._step_preset(view, -1),
            "reset": lambda: view.set({}, reset=True),
            "cancel": view.cancel,
            "undo": view.undo,
            "redo": view.redo,
        }
        keyboard.on_key(lambda event: actions[event]())
        return keyboard

    def _keys(self) -> list[Binding]:
        """What the keys do in the present state: nothing is moved or played that is not shown."""
        lens, owner, controls = self.lens, self._view.owner, self.lens.controls()
        handles = [f"dial-{name}-{owner}" if name else "" for name in hands(controls, lens.second, lens)]
        players = [control for control in shown(controls, lens) if isinstance(control, Transport)]
        return [*standard_bindings(*handles), *(playing(f"{one.name}-{owner}") for one in players)]

    def _change_hands(self) -> None:
        """Give the colour of the hand, and the keys, to the dials that have them in the present state."""
        for control in shown(self.lens.controls(), self.lens):
            if isinstance(control, Dial):
                self.bindings[control.name].component.primary = control.is_primary(self.lens)
        self.keyboard.bind(self._keys())

    def _step_preset(self, view: LensView, step: int) -> None:
        names = list(self.presets)
        if names:
            current = self._current_preset()
            at = names.index(current) + step if current else (0 if step > 0 else -1)
            view.set(dict(self.presets[names[at % len(names)]].params), reset=True)

    def follow(self, names: set[str]) -> None:
        """Show new parameter values in the controls, and what depends on them."""
        for name in names & set(self.bindings):
            self.bindings[name].follow()
        # Asked first: to set what is so already takes ten times as long, sixty times at each move of the hand.
        turned = [part for when, part in self.conditional if part.visible != when.holds(self.lens)]
        for part in turned:
            part.visible = not part.visible
        if turned:
            self._change_hands()
        self._place_shown()
        self.tries.current = self._current_preset()

    def show_undo(self) -> None:
        """Say whether there is something to undo, or to redo."""
        history = self.lens.history
        self.undo.param.update(can_undo=history.can_undo, can_redo=history.can_redo)

    def _place_shown(self) -> None:
        """Put in the figures that a choice has just made visible, their places first."""
        for one in self.postponed:
            if not one.block.objects and one.screen.figure.shown(self.lens):
                one.block.objects = [self.head(one.screen), _empty_place(one.screen)]
        if self._placing:
            self._place_soon()

    def _start_placing(self) -> None:
        """The browser has the first figures: the others that are shown follow, one by one, each when it is idle."""
        self._placing = True
        self._place_soon()

    def _place_soon(self) -> None:
        if not self._due:
            self._due = True
            self._view.later(PLACING_PAUSE, self._place_next)

    def stand_in(self, request: Request, frame: Frame) -> None:
        """Show the stored frame in a state that the page was not made in: the first figures of that state at once."""
        self._show_stored_numbers(request, frame)
        shown = [screen for screen in self._view.screens if screen.figure.shown(self.lens)]
        postponed = {id(one.screen): one for one in self.postponed}
        for screen in shown[:SHOWN_FIRST]:
            if id(screen) in postponed:
                self._place(postponed[id(screen)])
        self.show_words(request, frame, gaps=True)

    def _place_next(self) -> None:
        self._due = False
        shown = [one for one in self.postponed if one.screen.figure.shown(self.lens)]
        if not shown:
            return
        if self._view.served and not DRAWING.acquire(blocking=False):
            # An export or the supply draws on a thread; the loop of all sessions does not wait for it.
            self._place_soon()
            return
        # First: a figure that cannot be drawn must not keep back the others.
        self._place_soon()
        try:
            # One message: a figure that shares a range with one on the page says so there while it is drawn, and what
            # Bokeh sends of that would come after the figure it names.
            with pn.io.hold(self._view.screens[0].model.document):
                self._place(shown[0])
        finally:
            if self._view.served:
                DRAWING.release()

    def _place(self, one: Postponed) -> None:
        self.postponed.remove(one)
        one.block[1] = _canvas(self._view, one.screen)

    def head(self, screen: Screen) -> pn.pane.HTML:
        """The line above a figure."""
        head = self.heads[screen.figure.name] = figure_head(screen.figure)
        return head

    def show_numbers(self, request: Request, frame: Frame) -> None:
        """Show a frame's readouts, and the ends of what can be played."""
        self.readouts.write(self.lens.readouts(request, frame))
        for binding in self.bindings.values():
            binding.quote(frame)

    def _show_stored_numbers(self, request: Request, frame: Frame) -> None:
        self.readouts.write(self.lens.readouts(request, frame))
        for binding in self.bindings.values():
            # The stored frame may be of another state than a link's: it moves no value.
            binding.quote(Frame({}, frame.facts, (0, 1)))

    def show_words(self, request: Request, frame: Frame, gaps: bool = False) -> None:
        """Show the texts that quote a frame: the card beside the title, the claims, the lines above figures.

        With `gaps` a text that the frame does not have leaves one; under the hand it rather stays for a moment.
        """
        # The screens have taken over the figures of this frame already.
        figures = [screen.figure for screen in self._view.screens if screen.figure.name in self.heads]
        heads = [(self.heads[figure.name], head_html(figure)) for figure in figures]
        for pane, text in (
            (self.lede, words.lede(self.lens)),
            (self.see, words.explanation(self.lens)),
            (self.claims, words.claims(self.lens.claims(request, frame))),
            *heads,
        ):
            if (text or gaps) and text != pane.object:
                pane.object = text
        # What is selected may be nothing.
        self.card.object = words.card(self.lens.card(request, frame))
        table = self.lens.table(request, frame)
        if self.table is not None:
            self.table.param.update(visible=table is not None, **({} if table is None else _lists(table)))

    def _current_preset(self) -> str:
        asked = self.lens.request().as_dict()
        return next((name for name, values in self._named.items() if values == asked), "")


def _table(lens: Lens, table: Table | None) -> shell_table.Table | None:
    """The table under the figures, out of sight where another state has it; None where no state has one."""
    if type(lens).table is Lens.table:
        return None
    shown = {} if table is None else _lists(table)
    return shell_table.Table(visible=table is not None, **shown, sizing_mode="stretch_width")


def html(text: str, css_class: str) -> pn.pane.HTML:
    """A pane of our own HTML with the page's styles inside its shadow root."""
    return pn.pane.HTML(
        text,
        css_classes=[css_class],
        stylesheets=stylesheets(css_class),
        sizing_mode="stretch_width",
        margin=0,
    )


def column(*children: Any, css: str, **options: Any) -> pn.Column:
    options = {"sizing_mode": "stretch_width", "margin": 0, **options}
    return pn.Column(*children, css_classes=[css], stylesheets=stylesheets(css, words=False), **options)


def compose(view: LensView) -> pn.Column:
    """The whole lens as one layout, the same on a page and in a notebook."""
    parts, lens = view.parts, view.lens
    grid = column(
        html(words.title(lens), "an-title"),
        parts.lede,
        _controls(parts),
        _figures(view),
        _story(parts),
        parts.claims,
        parts.status.component,
        css="an-grid",
    )
    # A page brings tokens, fonts, the theme switch and undo in its header; in a notebook the lens must.
    beside = [Notice()] if view.served else [pn.Row(parts.undo, dark.toggle(), margin=0)]
    return column(grid, parts.keyboard, *beside, css="an-lens")


def _controls(parts: Parts) -> pn.Column:
    primary, secondary = [], []
    for group in parts.lens.controls():
        members = []
        for control in group.controls:
            component = parts.bindings[control.name].component
            # One that is orange in some states only has this place in all of them.
            if getattr(control, "primary", False) or isinstance(control, Transport):
                block = column(component, css="an-group-body")
                if group.when is not None:
                    _show_when(parts, group.when, block)
                primary.append(block)
            else:
                members.append(component)
        if members:
            heading = [html(f"<h2>{group.title}</h2>", "an-group")] if group.title else []
            block = column(*heading, *members, css="an-group-body")
            if group.when is not None:
                _show_when(parts, group.when, block)
            secondary.append(block)
    secondary += [parts.card, parts.readouts, parts.drop]
    return column(
        column(*primary, css="an-primary"), column(*secondary, css="an-secondary"), css="an-controls"
    )


def _figures(view: LensView) -> pn.Column:
    room = SHOWN_FIRST
    blocks: list[tuple[bool, pn.viewable.Viewable]] = []
    for screen in view.screens:
        figure = screen.figure
        css = "an-hero" if figure.size == "hero" else "an-figure"
        shown = figure.shown(view.lens)
        # The first figure brings the packet of all frames into the document, be it shown or not.
        if screen is view.screens[0] or (shown and (room > 0 or not view.served)):
            block = column(view.parts.head(screen), _canvas(view, screen), css=css)
        else:
            place = [view.parts.head(screen), _empty_place(screen)] if shown else []
            block = column(*place, css=css)
            view.parts.postponed.append(Postponed(screen, block))
        room -= shown
        if figure.when is not None:
            _show_when(view.parts, figure.when, block)
        blocks.append((figure.size in ("pair", "square"), block))
    children: list[pn.viewable.Viewable] = []
    for are_beside, together in groupby(blocks, itemgetter(0)):
        row = [block for _, block in together]
        children += [column(*row, css="an-pair")] if are_beside else row
    if view.parts.table is not None:
        children.append(column(view.parts.table, css="an-table"))
    return column(*children, css="an-figures")


def _empty_place(screen: Screen) -> pn.Spacer:
    return pn.Spacer(height=screen.height, css_classes=["an-empty-place"], margin=0)


def _canvas(view: LensView, screen: Screen) -> Canvas:
    return Canvas(screen.draw(view.complete), sizing_mode="stretch_width", margin=0)


def _story(parts: Parts) -> pn.Column:
    slug = parts.lens.slug
    attempts = [html("<h2>Try</h2>", "an-try-head"), parts.tries] if parts.tries.items else []
    return column(
        parts.see,
        column(*attempts, css="an-try"),
        html(words.section(slug, "What we could not reproduce", quoted=True), "an-not"),
        css="an-story",
    )


def _show_when(parts: Parts, when: Condition, block: pn.viewable.Viewable) -> None:
    block.param.update(visible=when.holds(parts.lens))
    parts.conditional.append((when, block))


def _lists(table: Table) -> dict[str, Any]:
    return {
        name: v if isinstance(v, str) else [_plain(part) for part in v] for name, v in vars(table).items()
    }


def _plain(part: Any) -> Any:
    return part if isinstance(part, str) else list(part)


def _item(preset: Preset) -> dict[str, Any]:
    """A preset in the list: our number beside the paper's, and why they differ where they do."""
    fact, (value, _) = next(iter(preset.expect.items()), ("", (0.0, 0.0)))
    number = f"{value:.5g}"
    number = numbers.shown(value) if "e" in number else numbers.true_minus(number)
    here = f"here {fact.replace('_', ' ')}: {number}" if fact else ""
    paper = "" if preset.paper_value is None else f"paper {_short(preset.paper_value)}"
    return {
        "name": preset.name,
        "title": preset.title,
        "source": preset.source.split(", ", 1)[-1].replace("ours", "Ours", 1),
        "reason": preset.reason,
        "numbers": " · ".join(words for words in (paper, here) if words),
        "note": preset.disagrees,
        "first": preset.attempt,
    }


def _short(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
