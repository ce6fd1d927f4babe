"""One control of a lens: a component of the page and the parameter it stands for, kept equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import param

from . import hand
from .control import Choice, Dial, Switch
from .lens import Lens
from .shell import choice as shell_choice
from .shell import dial as shell_dial

if TYPE_CHECKING:
    from .view import LensView


class Binding:
    """Keeps a component and a parameter equal; what comes from the browser is not sent back to it."""

    def __init__(self, control: Dial | Choice | Switch, lens: Lens, view: LensView) -> None:
        self._lens = lens
        self._name = control.name
        self._view = view
        parameter = lens.param[control.name]
        handle = f"dial-{control.name}-{view.owner}"
        common = {"label": control.label, "handle": handle, "sizing_mode": "stretch_width", "margin": 0}
        match control:
            case Dial():
                self.component: Any = _dial(control, parameter, getattr(lens, control.name), common)
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

    def _moved(self, event: param.parameterized.Event) -> None:
        if getattr(self._lens, self._name) != event.new:
            self._view.set({self._name: event.new}, from_browser=True)
            if not isinstance(self.component, shell_dial.Dial):
                self._view.settled()


def _named_choices(parameter: param.Parameter) -> list[tuple[str, Any]]:
    assert isinstance(parameter, param.Selector)
    return list(parameter.get_range().items())


def _dial(control: Dial, parameter: param.Parameter, value: Any, common: dict[str, Any]) -> shell_dial.Dial:
    assert isinstance(parameter, param.Number)
    bounds = parameter.bounds or (0.0, 1.0)
    return shell_dial.Dial(
        value=value,
        start=bounds[0],
        end=bounds[1],
        step=control.step or 0.0,
        log=control.log,
        ticks=[list(tick) for tick in control.ticks],
        primary=control.primary,
        format="integer" if isinstance(parameter, param.Integer) else "significant",
        **common,
    )
