"""Makes a bare lens live in a notebook, without a request to the outside."""

from __future__ import annotations

import sys
from functools import cache


def in_kernel() -> bool:
    """Whether this process is a Jupyter kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


@cache
def prepare_notebook() -> None:
    """Load Panel's notebook extension with inline resources, once, where there is a kernel.

    The default asks a content network and stays blank offline without an error.
    """
    if in_kernel():
        import panel as pn

        pn.extension(inline=True)
