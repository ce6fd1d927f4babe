"""Words of a watched training: notes, what it shows beside the theory, and the samples that held it back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...control import Claim, Table
from ...frame import Frame
from ...numbers import shown
from ...request import Request

if TYPE_CHECKING:
    from .watched import Watched

NONE_YET = "the record has begun, no step is measured yet"
MOST_NOTES = 5

_EXAMPLE = (
    "an example: an MLP whose learning rate is × 1000 from step 60 to 140; your own comes here by RadiusRecorder and "
    "“anisoscope watch run.radius”, or dropped"
)


def notes(request: Request, found: Watched, steps: int, drawn: int) -> tuple[str, ...]:
    """Where the record comes from, what is left out, and what was noted down, newest first."""
    run = found.run
    assert run is not None
    words = [_EXAMPLE] if not (request["watch"] or request["watch_record"]) else []
    if drawn < steps:
        words.append(f"{drawn} of {steps} steps are drawn: of each stretch the one that asks for most")
    if run.record.damaged:
        words.append(f"{run.record.damaged} bytes are damaged and left out")
    if found.status == "broken off":
        words.append("the record was broken off")
    more = len(run.notes) - MOST_NOTES
    words += [f"step {step}: {text}" for step, text in run.notes[: -MOST_NOTES - 1 : -1]]
    return (*words, f"and {more} notes more") if more > 0 else tuple(words)


def claims(request: Request, frame: Frame) -> tuple[Claim, ...]:
    """What the record shows, and what it does not say."""
    facts = frame.facts
    if not facts.get("watch_steps"):
        return ()
    mode, steps = facts["watch_mode"], facts["watch_steps"]
    most = facts["watch_most_asked"]
    asked = "no finite step" if math.isnan(most) else f"r up to {shown(most)}"
    return (
        Claim(
            "How far the optimiser asked to go, and how far the weights went, in units of the radius along its step.",
            "Sao 2026, Def. 5.1, on the optimiser’s actual update",
            "r < 1: the series converges",
            f"{asked}; taken up to {shown(facts['watch_most_taken'])}",
        ),
        Claim(
            {
                "cap": "Steps beyond the target are shortened to it: how many were.",
                "set": "Every step is given the target’s length: how many were shortened for it.",
                "monitor": "Nothing is moved in mode “monitor”: the training is that without it, bit by bit.",
            }[mode],
            "Sao 2026, Prop. 5.2" if mode != "monitor" else "ours; a test holds it",
            "s = min(1, target · ρ/‖p‖)" if mode == "cap" else "no statement",
            f"{facts['watch_cut_steps']} of {steps} cut, {facts['watch_refused_steps']} refused",
        ),
        Claim(
            "A radius is one sample’s: where a few samples hold back most steps, look at them, or measure with "
            "reduction=0.99. Share of the steps that the most frequent sample held back.",
            "ours",
            "no statement",
            _share(facts),
        ),
    )


def _share(facts: object) -> str:
    assert isinstance(facts, dict)
    often = facts["watch_often"]
    return f"{100 * often[0][1] / facts['watch_steps']:.0f} %, sample {often[0][0]}" if often else "none"


def table(request: Request, frame: Frame) -> Table | None:
    """The samples that held back most steps."""
    often = frame.facts.get("watch_often", [])
    if not often:
        return None
    steps = frame.facts["watch_steps"]
    return Table(
        "Samples that held the steps back",
        f"of {steps} measured steps; {frame.facts['watch_radius_words']}",
        (frame.facts["watch_sample_axis"], "steps", "share", "smallest radius", "last at step"),
        [
            (str(sample), str(count), f"{100 * count / steps:.1f} %", shown(radius), str(last))
            for sample, count, radius, last in often
        ],
        (" ".join(str(sample) for sample, *_ in often), "", "", "", ""),
    )
