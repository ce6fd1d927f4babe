"""What Python keeps of a component of the page."""

from __future__ import annotations

from typing import Any, cast

from bokeh.document import Document

from anisoscope.app.control import Readout
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
