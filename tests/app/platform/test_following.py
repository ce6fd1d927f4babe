"""Files that are followed: what cannot be shown is refused each time it is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from anisoscope.app.errors import RequestError
from anisoscope.app.following import Followed
from anisoscope.engine.ghosts import RadiusClip, RadiusFollower, RadiusRecorder
from anisoscope.engine.records import ForeignRecord


def test_a_refused_record_is_not_handed_out_at_the_next_look(tmp_path: Path) -> None:
    path = tmp_path / "run.radius"

    def refuse(_run: object) -> None:
        raise ForeignRecord(path, "is not for this page")

    model = nn.Linear(2, 2)
    with RadiusRecorder(path, RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.1))):
        pass
    followed = Followed("run", RadiusFollower(path), refuse)
    for _ in range(3):
        with pytest.raises(RequestError, match=r"run\.radius"):
            followed.look()
