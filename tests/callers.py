"""A worker for tests of whole views without a browser."""

from __future__ import annotations

from anisoscope.app.request import Request
from anisoscope.app.worker import Mailbox, Worker


class Caller(Worker):
    """A worker without a thread: what is asked is computed and delivered before `ask` returns."""

    def start(self) -> None:
        return None

    def ask(self, mailbox: Mailbox, request: Request) -> None:
        super().ask(mailbox, request)
        mailbox.rest = 0.0
        while mailbox.pending is not None or mailbox.generator is not None:
            self._advance(mailbox)
