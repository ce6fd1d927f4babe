"""Words of the view that fits an image: readouts, the table that makes the comparison fair, and claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...control import Claim, Readout, Table
from ...numbers import shown, true_minus
from .scales import WAYS


def readouts(facts: Mapping[str, Any]) -> tuple[Readout, ...]:
    """PSNR of each way, and what it gains over the plain one."""
    if "psnr_plain" not in facts:
        return ()
    rows = [Readout(f"step {facts['head']}", "PSNR, dB", "gain", "ink2")]
    rows += [
        Readout(WAYS[way], _decibels(facts[f"psnr_{way}"]), _signed(facts[f"gain_{way}"]) if k else "")
        for k, way in enumerate(WAYS)
    ]
    return tuple(rows)


def table(facts: Mapping[str, Any]) -> Table | None:
    """Quality beside what it costs."""
    if "psnr_plain" not in facts:
        return None
    held = "held_plain" in facts
    rows = []
    for way in WAYS:
        size, most = facts[f"parameters_{way}"], facts["parameters_plain"]
        more = true_minus(f" ({100 * (size / most - 1):+.1f} %)") if size != most else ""
        rows.append(
            (
                WAYS[way],
                _decibels(facts[f"psnr_{way}"]),
                *((_decibels(facts[f"held_{way}"]),) if held else ()),
                f"{size}{more}",
                str(facts[f"gathers_{way}"]),
                shown(facts[f"cross_{way}"]),
            )
        )
    headings = (
        "way",
        "PSNR, dB",
        *(("held out, dB",) if held else ()),
        "parameters",
        "gathers",
        "axis / mean",
    )
    columns = zip(*rows, strict=True)
    return Table(
        "Quality and cost",
        "Turned dense levels need the rows of their bounding box: more parameters than plain, in brackets. Gathers are "
        "table rows read for one point; a split reads M times as many, each F / M wide. Axis / mean: residual power "
        "within 10° of the frequency axes over that at all angles.",
        headings,
        rows,
        ("", *("\n".join(text.split(" (")[0] for text in column) for column in list(columns)[1:])),
    )


def claims(facts: Mapping[str, Any]) -> tuple[Claim, ...]:
    """What is claimed of fitted images, and what this fit says, once it has come to its end."""
    if not facts.get("ended") or "gain_split" not in facts:
        return ()
    split, hashed, turned = (facts[f"gain_{way}"] for way in ("split", "hash_only", "cycle"))
    mostly = split > 0.2 and hashed > split / 2
    words = "more than half" if mostly else "not half"
    return (
        Claim(
            f"Rotated pyramids fit images better; here {words} of that gain is there without any rotation, from other "
            "hashes alone",
            "Dai & Fan 2026; secondary sources, the paper was not read",
            "+0.94 dB, M = 8",
            f"split {_signed(split)} dB, by hash alone {_signed(hashed)} dB",
            "disagrees" if mostly else "ours",
        ),
        Claim(
            "Turning the levels makes the kernel round whatever is fitted; what it does to the fit depends on image, "
            "tables and growth",
            "ours",
            "",
            f"{_signed(turned)} dB in this state",
        ),
    )


def _decibels(value: float) -> str:
    return true_minus(f"{value:.2f}")


def _signed(value: float) -> str:
    return true_minus(f"{value:+.2f}")
