"""How often one may look without slowing down what one looks at."""


class Budget:
    """Allows a record when the time spent on earlier ones has been earned back.

    Every second of training earns `fraction` of a second; records are paid from that, and the next one waits
    until the account is no longer in debt. Over a run the cost is therefore at most `fraction` of the
    training's time plus one record. No more than one record is saved up, and a pause (a validation, say)
    earns no more than three steps, so that dense bursts do not follow.

    Args:
        fraction: of the time of training that may be spent, above 0, at most 1; None: no limit.
        every: steps between records at least.
    """

    def __init__(self, fraction: float | None, every: int):
        self.fraction = fraction
        self.every = every
        self.training = 0.0
        self.spent = 0.0
        self._balance = 0.0
        self._of_this_record = 0.0
        self._dearest = 0.0
        self._last: int | None = None
        self._usual: float | None = None
        self._excess = 0.0

    def due(self, step: int) -> bool:
        """Whether this step may be recorded."""
        if self._last is not None and step - self._last < self.every:
            return False
        return self.fraction is None or self._balance >= 0

    def planned(self, step: int) -> None:
        """A record of this step begins (or was dropped): the next is `every` steps away at least."""
        self._last = step
        self._dearest = max(self._of_this_record, 0.5 * self._dearest)
        self._of_this_record = 0.0

    def trained(self, seconds: float, disturbed: bool = False) -> None:
        """A step of the training took this long, the recorder's own time in it left out.

        Args:
            seconds: ≥ 0.
            disturbed: a record was being worked on meanwhile. What such steps take beyond the usual is cost:
                two threads share the interpreter, the memory and perhaps a processor.
        """
        usual = seconds if self._usual is None else self._usual
        # one long pause counts as three steps; this runs in every step, so it has to be cheap
        credit = min(seconds, 3 * usual)
        if disturbed:
            self._excess += credit - usual
            seconds = credit = min(seconds, usual)
        else:
            self._usual = usual + 0.1 * (credit - usual)
        self.training += seconds
        if self.fraction is not None:
            # one record can be saved up, but a debt is never forgiven
            saved = max(self._balance, self._dearest)
            self._balance = min(self._balance + self.fraction * credit, saved)

    def settle(self, seconds: float) -> None:
        """A record is finished, by a thread that took this much processor time: that, or what it cost the training.

        The dearer of the two is charged: the thread may have run on a processor nobody missed, or not.
        """
        self.charge(max(seconds, self._excess))
        self._excess = 0.0

    def charge(self, seconds: float) -> None:
        """The recorder held up the training for this long."""
        self.spent += seconds
        self._of_this_record += seconds
        self._balance -= seconds
