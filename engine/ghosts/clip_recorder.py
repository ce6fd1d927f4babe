"""What a `RadiusClip` finds, written to a file that can be watched while it grows."""

import math
import os
import time
import warnings
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, SupportsFloat

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from ..records import RecordWriter, earlier_part
from .clip import RadiusClip
from .clip_settings import MODES, ClipSettings
from .clip_step import ClipStep
from .errors import InvalidClipSetting

CONTENT, CONTENT_VERSION = "ghosts", 1
COLUMNS = (
    "step", "seconds", "step_norm", "radius", "normalized_step", "normalized_step_taken", "scale",
    "bottleneck_index", "named", "clipped", "refused", "skipped", "loss", "target", "mode",
)  # fmt: skip
"""Of the table of a record, all float64: `ClipStep`, the time, the loss and the settings; mode by its place in `MODES`;
named is 1 where the bottleneck is told by its index in the data set, not by its place in the batch."""

GATHERED_SECONDS = 0.05
"""Steps that follow each other faster are written together: the file grows at most twenty times a second."""


class RadiusRecorder:
    """Records the steps that a `RadiusClip` measures: step, radius, r, the bottleneck sample, what was cut.

    The training computes bit for bit what it computes without. A process that is killed loses what was measured
    since the last look at the clock, at most `GATHERED_SECONDS` and the step under way; leaving the context
    writes everything. When the file cannot be written (a full disk), recording ends with a RuntimeWarning and
    training goes on. Under torch.distributed the first process of all writes.

        clip = RadiusClip(model, optimizer)
        with RadiusRecorder("run.radius", clip) as recorder:
            for indices, inputs, targets in batches:
                loss = ...
                loss.backward()
                recorder.batch(indices)
                recorder.loss(loss)
                clip.step(inputs)

    Args:
        path: of the file; one that exists is not overwritten unless mode="w".
        clip: whose measurements are recorded; of a clip with every=10 each tenth step.
        mode: of the file, as for `RecordWriter`. "a" goes on with the record of a training that was broken
            off, behind its last step and second.

    Raises:
        FileExistsError, OSError: on entering, when the file cannot be made.
        RecordError, ValueError: on entering, as `RecordWriter`.
    """

    def __init__(self, path: str | os.PathLike[str], clip: RadiusClip, mode: str = "x"):
        self.path = os.fspath(path)
        self.failure: OSError | None = None
        self._clip, self._mode = clip, mode
        self._writer: RecordWriter | None = None
        self._rows: list[tuple[float, ...]] = []
        self._taken_loss: Any = None
        self._indices: Tensor | None = None
        self._before = (0, 0.0)
        # The clip's count at the first step that is recorded here.
        self._first: int | None = None
        self._end_watch: Callable[[], None] | None = None

    def attach(self) -> None:
        """Opens the file and begins to record; entering the context does the same.

        Raises:
            RuntimeError: when it is attached already.
        """
        if self._end_watch is not None:
            raise RuntimeError(f"the recorder of {self.path} is attached already")
        if dist.is_available() and dist.is_initialized() and dist.get_rank() != 0:
            return
        header = header_fields(self._clip.settings)
        if self._mode == "a" and (earlier := earlier_part(self.path, header)) is not None:
            header, last, seconds = earlier
            self._before = last + 1, seconds
        self._writer = RecordWriter(self.path, header, self._mode)
        # Attached once more, it goes on with what it began.
        self._mode = "a"
        self._first = None
        self._began = self._written = time.perf_counter()
        self._end_watch = self._clip.observe(self.measured)

    def detach(self) -> None:
        """Stops recording, writes what is left and that this is the end; a second call does nothing."""
        if self._end_watch is None or self._writer is None:
            return
        self._end_watch()
        self._end_watch = None
        self._write()
        self._append("end", {}, {})
        self._writer.close()
        self._writer = None

    def __enter__(self) -> "RadiusRecorder":
        self.attach()
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()

    def loss(self, value: Any) -> None:
        """The loss of the next step, a number or a tensor of one; without it what the optimizer returned is recorded.

        Raises:
            InvalidClipSetting: on what is no single number.
        """
        if isinstance(value, np.ndarray) and value.size == 1:
            value = value.item()
        tensor = isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex()
        if not tensor and not isinstance(value, Real):
            raise InvalidClipSetting(f"loss must be one number, not {value!r}")
        # Read when a step is measured: on a GPU the other steps do not wait for it.
        self._taken_loss = value.detach().clone() if isinstance(value, Tensor) else value

    def batch(self, indices: Sequence[int] | Tensor) -> None:
        """Which samples of the data set the next batch holds; without it the place in the batch is recorded.

        For a clip with `samples` of its own it changes nothing: the bottleneck is one of those.

        Raises:
            InvalidClipSetting: on indices that are no list of whole numbers.
        """
        try:
            tensor = torch.as_tensor(indices)
        except (TypeError, ValueError, RuntimeError) as error:
            raise InvalidClipSetting(f"indices must be a list of whole numbers, not {indices!r}") from error
        if (
            tensor.ndim != 1
            or tensor.is_floating_point()
            or tensor.is_complex()
            or tensor.dtype == torch.bool
        ):
            raise InvalidClipSetting(
                f"indices must be a list of whole numbers, not {tuple(tensor.shape)} {tensor.dtype}"
            )
        self._indices = tensor

    def note(self, text: str) -> None:
        """Words for the step that comes next: a learning rate changes, a phase begins.

        While nothing is recorded, as in every process but the first, they are not kept.
        """
        self._note(text, self._step_of(self._clip.last) + (self._first is not None))

    def _note(self, text: str, step: int) -> None:
        self._write()
        self._append("note", {"text": str(text), "step": step}, {})

    def _step_of(self, step: ClipStep | None) -> int:
        """The step in the record: from 0 on, behind those that were recorded before this process."""
        if step is None or self._first is None:
            return self._before[0]
        return self._before[0] + step.step - self._first

    def measured(self, step: ClipStep) -> None:
        """Takes one step; the clip calls this."""
        now = time.perf_counter()
        if self._first is None:
            self._first = step.step
        settings, loss = self._clip.settings, self._taken_loss
        loss, self._taken_loss = step.loss if loss is None else loss, None
        indices, self._indices = self._indices, None
        place = step.bottleneck_index
        named = isinstance(settings.samples, str) and indices is not None and 0 <= place < len(indices)
        values = step._asdict() | {
            "bottleneck_index": int(indices[place]) if indices is not None and named else place,
            "named": named,
            "step": self._step_of(step),
            "seconds": self._before[1] + now - self._began,
            "loss": _number(loss),
            "target": settings.target,
            "mode": MODES.index(settings.mode),
        }
        self._rows.append(tuple(float(values[name]) for name in COLUMNS))
        if now - self._written >= GATHERED_SECONDS:
            self._write()
            self._written = now
        if step.reason:
            self._note(f"{'refused' if step.refused else 'no radius'}: {step.reason}", self._step_of(step))

    def _write(self) -> None:
        """Writes the steps that have been gathered, as one record."""
        if self._rows:
            rows, self._rows = self._rows, []
            last = rows[-1]
            # Said once more beside the table: whoever goes on with the record finds it there.
            self._append(
                "steps", {"step": int(last[0]), "seconds": round(last[1], 6)}, {"rows": np.array(rows)}
            )

    def _append(self, kind: str, fields: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        if self._writer is None or self.failure is not None:
            return
        try:
            self._writer.append(kind, fields, arrays)
        except OSError as error:
            self.failure = error
            warnings.warn(f"{self.path}: recording ended: {error}", RuntimeWarning, stacklevel=4)


def header_fields(settings: ClipSettings) -> dict[str, Any]:
    """The header of a record of radii."""
    return {
        "content": CONTENT,
        "content_version": CONTENT_VERSION,
        "created": time.time(),
        "torch": str(torch.__version__),
        "columns": list(COLUMNS),
        "radius_kind": settings.kind,
        "reduction": settings.reduction,
        "samples": "batch" if isinstance(settings.samples, str) else "given",
        "every": settings.every,
    }


def _number(loss: Any) -> float:
    """NaN where the loss is not known."""
    if isinstance(loss, Tensor):
        return float(loss.detach()) if loss.numel() == 1 else math.nan
    return float(loss) if isinstance(loss, SupportsFloat) else math.nan
