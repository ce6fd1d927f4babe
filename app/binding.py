"""One control of a lens: a component of the page and the parameter it stands for, kept equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import param

from . import hand
from .control import Action, Choice, Control, Dial, Switch, Transport
from .frame import Frame
from .lens import Lens
from .shell import button as shell_button
from .shell import choice as shell_choice
from .shell import dial as shell_dial
from .shell import transport as shell_transport

if TYPE_CHECKING:
    from .view import LensView


def bind(control: Control, lens: Lens, view: LensView) -> Binding | Player | Trigger:
    """The component of a control, connected."""
    match control:
        case Transport():
            return Player(control, view)
        case Action():
            return Trigger(control, view)
    return Binding(control, lens, view)


class Player:
    """Buttons that play a dial; while more is being computed they end where it has come to."""

    def __init__(self, control: Transport, view: LensView) -> None:
        self._control = control
        self.component: Any = shell_transport.Transport(
            dial=f"dial-{control.dial}-{view.owner}",
            per_second=control.per_second,
            handle=f"{control.name}-{view.owner}",
            sizing_mode="stretch_width",
            margin=0,
        )
        self.component.on_play(view.resume)
        self.component.on_pause(view.pause)

    def follow(self) -> None:
        """Nothing: it has no parameter of its own."""

    def quote(self, frame: Frame) -> None:
        """Take over how far there is something to play."""
        self.component.head = int(frame.facts.get(self._control.head, 0))


class Trigger:
    """A button; what it sets is the lens's to say."""

    def __init__(self, control: Action, view: LensView) -> None:
        self.component: Any = shell_button.Button(label=control.label, sizing_mode="stretch_width", margin=0)
        self.component.on_press(lambda: view.act(control.name))

    def follow(self) -> None:
        """Nothing: it has no parameter of its own."""

    def quote(self, frame: Frame) -> None:
        """Nothing: it shows no number."""


class Binding:
    """Keeps a component and a parameter equal; what comes from the browser is not sent back to it."""

    def __init__(self, control: Dial | Choice | Switch, lens: Lens, view: LensView) -> None:
        self._end = control.end if isinstance(control, Dial) else ""
        self._lens = lens
        self._name = control.name
        self._view = view
        parameter = lens.param[control.name]
        handle = f"dial-{control.name}-{view.owner}"
        common = {"label": control.label, "handle": handle, "sizing_mode": "stretch_width", "margin": 0}
        match control:
            case Dial():
                self.component: Any = _dial(control, lens, common)
                if control.name in lens.client_side:
                    arguments = {"hand": view.hand_model, "name": control.name}
                    self.component.jscallback(args=arguments, value=hand.DIAL_MOVED)
                self.component.param.watch(lambda _event: view.settled(), "release")
            case Choice():
                options = [(value, text) for text, value in _named_choices(parameter)]
                value = getattr(lens, control.name)
                self.component = shell_choice.Choice(value=value, options=options, **common)
            case Switch():
                self.component = shell_choice.Switch(value=getattr(lens, control.name), **common)
        self.component.param.watch(self._moved, "value")

    def follow(self) -> None:
        """Show the parameter's value where it did not come from this component."""
        value = getattr(self._lens, self._name)
        if self.component.value != value:
            self.component.value = value

    def quote(self, frame: Frame) -> None:
        """Take over an upper end that the frame says; a value at the old end goes on with it."""
        end = frame.facts.get(self._end) if self._end else None
        if end is None or end <= self.component.start or end == self.component.end:
            return
        # beyond it is a value that a link asks for before its frame is there
        last = self.component.value == self.component.end
        self.component.end = end
        if last or (frame.final and self.component.value > end):
            self._view.set_along({self._name: end})

    def _moved(self, event: param.parameterized.Event) -> None:
        if getattr(self._lens, self._name) != event.new:
            self._view.set({self._name: event.new}, from_browser=True)
            if not isinstance(self.component, shell_dial.Dial):
                self._view.settled()


def _named_choices(parameter: param.Parameter) -> list[tuple[str, Any]]:
    assert isinstance(parameter, param.Selector)
    return list(parameter.get_range().items())


def _dial(control: Dial, lens: Lens, common: dict[str, Any]) -> shell_dial.Dial:
    parameter = lens.param[control.name]
    assert isinstance(parameter, param.Number)
    bounds = parameter.bounds or (0.0, 1.0)
    return shell_dial.Dial(
        value=getattr(lens, control.name),
        start=bounds[0],
        end=bounds[1],
        step=control.step or 0.0,
        log=control.log,
        ticks=[list(tick) for tick in control.ticks],
        primary=control.is_primary(lens),
        format="integer" if isinstance(parameter, param.Integer) else "significant",
        **common,
    )
