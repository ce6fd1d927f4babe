"""One of several, and on or off: native controls, so that every keyboard and screen reader knows them."""

from __future__ import annotations

import param

from .component import Component


class Choice(Component):
    """A drop-down with a small label on its frame; `options` are pairs of value and text."""

    _at_once = ("value",)

    label = param.String(default="")
    value = param.Parameter(default=None)
    options = param.List(default=[], doc="Pairs of value and text.")


class Switch(Component):
    """A tick box with its label."""

    _at_once = ("value",)

    label = param.String(default="")
    value = param.Boolean(default=False)
