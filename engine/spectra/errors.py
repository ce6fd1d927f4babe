"""What the spectra refuse: `ValueError`s that name the parameter, its value and what is allowed."""


class InvalidMatrix(ValueError):
    """Not a real, finite matrix with at least one row and one column."""


class InvalidSpectrum(ValueError):
    """Not singular values as `spectrum` returns them: finite, nowhere negative, descending."""


class InvalidRecorder(ValueError):
    """Settings a recorder cannot work with, or an optimizer without a matrix of the model."""
