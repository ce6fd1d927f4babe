"""What trainings refuse: `ValueError`s that name the parameter, its value and what is allowed."""


class UnknownOptimizer(ValueError):
    """A name that is not in `OPTIMIZERS`, or one that this torch does not have."""


class UnknownSchedule(ValueError):
    """A name that is not in `SCHEDULES`."""


class InvalidSpec(ValueError):
    """Settings of a lane or of a training that cannot be."""


class InvalidStep(ValueError):
    """A lane or a step that has not been trained."""


class InvalidChain(ValueError):
    """Matrices whose shapes do not chain to a product."""
