"""What Python keeps of a component of the page."""

from __future__ import annotations

from typing import Any, cast

import pytest
from bokeh.document import Document
from panel.custom import JSComponent

from anisoscope.app.control import Readout
from anisoscope.app.shell.dial import Dial
from anisoscope.app.shell.readouts import Readouts


def test_updates_leave_one_tag_on_a_model() -> None:
    """Tags travel to the browser: one more at each update would make every frame larger."""
    readouts, document = Readouts(), Document()
    root = cast(Any, readouts.get_root(document))
    document.add_root(root)
    for count in range(5):
        readouts.write([Readout("n", str(count))])
        assert root.data.rows[0]["value"] == str(count)
    assert root.data.tags == [f"__ref:{root.ref['id']}"]


def test_what_the_browser_set_is_taken_over_once_and_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds: list[str] = []
    monkeypatch.setattr(JSComponent, "_server_change", lambda *_: seconds.append("look"))
    change = JSComponent._param_change
    monkeypatch.setattr(
        JSComponent, "_param_change", lambda self, *events: (seconds.append("way"), change(self, *events))
    )
    dial, document = Dial(value=0.0, start=0.0, end=1.0), Document()
    root = cast(Any, dial.get_root(document))
    document.add_root(root)
    taken: list[float] = []
    dial.param.watch(lambda event: taken.append(event.new), "value")
    root.data.value = 0.25
    assert (dial.value, taken, seconds) == (0.25, [0.25], [])
    dial.value = 0.75
    assert root.data.value == 0.75 and seconds == ["way"]
    root.data.value = 0.5
    assert (dial.value, taken) == (0.5, [0.25, 0.75, 0.5])
