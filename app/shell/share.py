"""The address bar follows the state, and a button copies it."""

from __future__ import annotations

import param

from .component import Component


class Share(Component):
    """Puts `query` into the address bar without a history entry; the button copies the whole link.

    A history entry at every change would make the back button useless.
    """

    query = param.String(default="", doc="The query string without its question mark.")
