"""What a person asked of the command that it cannot do."""

from __future__ import annotations


class CommandError(ValueError):
    """Shown as one line on standard error; names the argument, its value and what is allowed."""
