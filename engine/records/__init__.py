"""Records of trainings: one append-only file format, its writer, its reader, and following it while it grows.

What a record holds is named by its header's "content"; the packages that measure say what that means.
"""

if __name__ != "anisoscope.engine.records":
    raise ImportError(
        "import this package as anisoscope.engine.records: a second copy of its modules would appear"
    )

from .content import check_content, content_of
from .follow import Phase, RecordFollower, RunTables
from .growing import GrowingTable
from .record import Entry, ForeignRecord, RecordError, RecordWriter, RunRecord, UnfinishedRecord, read_record
from .replacing import replacing
from .resume import earlier_part

__all__ = [
    "Entry",
    "ForeignRecord",
    "GrowingTable",
    "Phase",
    "RecordError",
    "RecordFollower",
    "RecordWriter",
    "RunRecord",
    "RunTables",
    "UnfinishedRecord",
    "check_content",
    "content_of",
    "earlier_part",
    "read_record",
    "replacing",
]
