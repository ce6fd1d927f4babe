"""What the polar factor refuses."""


class InvalidMatrix(ValueError):
    """A matrix without a polar factor: NaN or infinite entries, complex numbers, fewer than two axes."""
