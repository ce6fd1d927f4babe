"""What a person did wrong, said in a way that repairs it: parameter, value, what is allowed."""

from __future__ import annotations


class RequestError(ValueError):
    """A parameter of a request cannot be used.

    The page shows the message beside the status line with a button that applies `repair`;
    the API raises it.
    """

    def __init__(self, parameter: str, value: object, allowed: str, repair: object = None) -> None:
        self.parameter = parameter
        self.value = value
        self.allowed = allowed
        self.repair = repair
        shown = repr(value)
        if len(shown) > 80:
            shown = shown[:77] + "…"
        super().__init__(f"{parameter} = {shown}: {allowed}")


class UnknownLensError(LookupError):
    """No lens has this slug."""

    def __init__(self, slug: str, known: list[str]) -> None:
        super().__init__(f"lens = {slug!r}: known lenses are {', '.join(known) or 'none'}")
