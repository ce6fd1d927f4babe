"""What the optimisers refuse: `ValueError`s that name the parameter, its value and what is allowed."""


class InvalidOption(ValueError):
    """A learning rate, momentum, name or count outside its range."""


class InvalidParameter(ValueError):
    """A parameter that the method is not made for: not a matrix, complex, not of the model."""


class InvalidGradient(ValueError):
    """A gradient that is NaN, infinite, or sparse; raised before any parameter has moved."""


class InvalidLoss(ValueError):
    """A closure that does not return what the method needs."""


class CorruptingOptimizer(ValueError):
    """An optimiser of another package that is known to corrupt its own state with these settings."""
