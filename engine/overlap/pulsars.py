"""Pulsar lists under one name: read, write, make and check them."""

from .par_files import read_par_folder
from .pulsar_array import PulsarArray, PulsarFileError, uniform
from .pulsar_csv import read_csv, to_csv
from .pulsar_positions import position_warnings, to_b1950, to_j2000

__all__ = [
    "PulsarArray",
    "PulsarFileError",
    "position_warnings",
    "read_csv",
    "read_par_folder",
    "to_b1950",
    "to_csv",
    "to_j2000",
    "uniform",
]
