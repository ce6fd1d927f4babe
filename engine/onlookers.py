"""Threads that look on: pages and exports compute in the process in which a reader may be training."""

import threading

_thread = threading.local()


def look_on() -> None:
    """Says for the thread that calls it that random numbers are drawn in others: it never puts a generator back.

    A generator belongs to the whole process. Whoever puts it back to where it was a moment ago makes a training in
    another thread draw the same numbers twice.
    """
    _thread.looks_on = True


def looks_on() -> bool:
    """Whether the thread that asks has called `look_on`."""
    return getattr(_thread, "looks_on", False)
