"""Numbers under the controls in the views over all places, of tables, and of the adviser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...control import Readout
from ...numbers import shown

VIEWS = ("maps", "tables", "adviser")


def beside(view: str, facts: Mapping[str, Any]) -> tuple[Readout, ...]:
    """The rows of a view, once its numbers are there."""
    needed, rows = {
        "maps": ("beta_mean", _maps),
        "tables": ("snr_formula", _tables),
        "adviser": ("advice_levels", _adviser),
    }[view]
    return rows(facts) if needed in facts else ()


def _maps(facts: Mapping[str, Any]) -> tuple[Readout, ...]:
    def spread(label: str, name: str) -> Readout:
        return Readout(label, shown(facts[f"{name}_mean"]), "± " + shown(facts[f"{name}_spread"]))

    rows = [
        Readout("over the places of a mean cell", "mean", "spread", "ink2"),
        spread("FWHM · N_avg", "beta"),
        spread("largest / smallest", "ratio"),
        spread("axis / diagonal", "axis_diagonal"),
    ]
    if "two_point" in facts:
        rows += [
            Readout(
                "two points, axis, diagonal", shown(facts["two_point"]), shown(facts["two_point_diagonal"])
            ),
            Readout("the same, finest cells", shown(facts["two_point_finest"])),
            Readout(
                "transfer at 1 cycle a cell, axis, diagonal",
                shown(facts["otf_axis"]),
                shown(facts["otf_diagonal"]),
            ),
        ]
    if "flow_beta" in facts:
        rows.append(
            Readout("all pixels after τ, one point", shown(facts["flow_beta"]), shown(facts["flow_single"]))
        )
    return tuple(rows)


def _tables(facts: Mapping[str, Any]) -> tuple[Readout, ...]:
    formula = "no collisions" if facts["snr_formula"] is None else shown(facts["snr_formula"])
    found = "too few" if facts["snr_measured"] is None else shown(facts["snr_measured"])
    rows = [
        Readout("peak over speckle", "law", "measured", "ink2"),
        Readout("L √(T/L_h)", formula, "" if facts["snr_formula"] is None else found),
        Readout("hashed levels L_h", str(facts["hashed_levels"])),
        Readout("rows of all tables", _grouped(facts["rows"])),
        Readout("largest load V/T", shown(facts["load_most"])),
    ]
    if facts["partners"] is not None:
        rows.append(Readout(f"partners on level {facts['partner_level']}", _grouped(facts["partners"])))
    if facts["utilisation"] is not None:
        rows.append(Readout("rows that the pixels read", f"{shown(100 * facts['utilisation'])} %"))
    return tuple(rows)


def _adviser(facts: Mapping[str, Any]) -> tuple[Readout, ...]:
    read = facts["advice_utilisation"]
    snr = facts["advice_snr"]
    return (
        Readout("levels, growth", str(facts["advice_levels"]), f"{facts['advice_growth']:.4g}"),
        Readout(
            "rows of a table, log₂ T; MB", str(facts["advice_log2_table"]), shown(facts["advice_bytes"] / 1e6)
        ),
        Readout("parameters", _grouped(facts["advice_parameters"])),
        Readout("N_avg, finest", shown(facts["advice_average"]), shown(facts["advice_finest"])),
        Readout("width, pixels: node, mid-cell", shown(facts["advice_narrow"]), shown(facts["advice_wide"])),
        Readout("peak over speckle, L_h", "∞" if snr is None else shown(snr), str(facts["advice_hashed"])),
        Readout("rows that the pixels read", "not counted" if read is None else f"{shown(100 * read)} %"),
        Readout("operations for a point", _grouped(facts["advice_operations"])),
    )


def _grouped(number: int) -> str:
    """Digits in threes by a thin space.

    >>> _grouped(2743471)
    '2\u2009743\u2009471'
    """
    return f"{number:,}".replace(",", "\u2009")
