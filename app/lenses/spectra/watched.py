"""Recordings of spectra that this process follows."""

from __future__ import annotations

from anisoscope.engine.spectra import RunFollower, SpectraRun

from ...following import Following
from .recorded_lane import matrices_of

FOLLOWING: Following[SpectraRun] = Following(RunFollower, matrices_of)

register, followed = FOLLOWING.register, FOLLOWING.followed
