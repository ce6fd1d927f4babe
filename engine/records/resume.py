"""Going on with the record of a training that was broken off."""

import os
from collections.abc import Mapping
from typing import Any

from .record import UnfinishedRecord, read_record

# two processes that write one run one after the other may differ in these
OF_THE_PROCESS = frozenset({"created", "torch", "format"})


def earlier_part(
    path: str | os.PathLike[str], header: Mapping[str, Any]
) -> tuple[dict[str, Any], int, float] | None:
    """Header, last step and seconds of a record that this header may go on with; None when there is none.

    A record of another run is left to the writer to refuse.

    Raises:
        ForeignRecord: as `read_record`.
    """
    try:
        record = read_record(path) if os.path.exists(path) else None
    except UnfinishedRecord:
        return None
    if record is None or any(
        record.header.get(name) != header.get(name)
        for name in (record.header.keys() | header.keys()) - OF_THE_PROCESS
    ):
        return None
    step = max((int(entry.fields.get("step", 0)) for entry in record.entries), default=0)
    seconds = max((float(entry.fields.get("seconds", 0)) for entry in record.entries), default=0.0)
    kept = {name: value for name, value in record.header.items() if name != "format"}
    return kept, step, seconds
