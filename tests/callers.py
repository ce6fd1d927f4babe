"""Workers for tests of whole views without a browser."""

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


class Counting(Worker):
    """A worker without a thread that makes so many moves and no more."""

    def start(self) -> None:
        return None

    def go(self, mailbox: Mailbox, moves: int) -> None:
        for _ in range(moves):
            if mailbox.pending is not None or mailbox.generator is not None:
                self._advance(mailbox)
