"""What the problems refuse: `ValueError`s that name the parameter, its value and what is allowed."""


class UnknownProblem(ValueError):
    """A slug, a size or a method that names nothing here."""


class InvalidProblem(ValueError):
    """Data, widths, seeds or steps outside their range."""
