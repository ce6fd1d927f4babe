"""Choose an encoding: what to take for a feature of so many pixels in so many bytes, and what to expect of it."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from anisoscope.engine.hashgrid import Advice, InvalidGrid, TableTooLarge, advise, fwhm, level_table
from anisoscope.engine.hashgrid.adviser import GROWTH_MAX
from anisoscope.engine.hashgrid.speckle import speckle_law

from ...errors import RequestError
from ...frame import Columns
from ...request import Request

ASKED = ("width", "pixels", "budget", "dimension", "regime", "features", "base", "convention")
PIXELS_MOST = 512
QUICK_PIXELS = 48
VALUE_BYTES = 4
BITS_LEAST = 4


def key_of(request: Request) -> Request:
    """What the advice depends on: a key for what is kept."""
    return Request(request.lens, tuple((name, request[name]) for name in ASKED))


@lru_cache(maxsize=64)
def advice(key: Request) -> Advice:
    """What to take.

    Raises:
        RequestError: naming what cannot be.
    """
    pixels = key["pixels"]
    if key["dimension"] == 2 and pixels > PIXELS_MOST:
        raise RequestError("pixels", pixels, f"at most {PIXELS_MOST} are counted here", PIXELS_MOST)
    try:
        found = advise(
            key["width"],
            pixels,
            round(1e6 * key["budget"]),
            key["dimension"],
            key["regime"],
            key["features"],
            VALUE_BYTES,
            key["base"],
            key["convention"],
        )
    except TableTooLarge as error:
        least = math.ceil(error.needed / 1e4) / 100
        raise RequestError(
            "budget", key["budget"], f"is less than the least table of {error.needed} bytes needs", least
        ) from error
    except InvalidGrid as error:
        raise RequestError("width", key["width"], str(error)) from error
    if found.log2_table_size < BITS_LEAST:
        rows, least = 2**found.log2_table_size, 2**BITS_LEAST
        raise RequestError("budget", key["budget"], f"leaves a level {rows} rows; {least} are the least here")
    return found


def quick(request: Request) -> bool:
    """Whether the rows that pixels read can be counted under the hand."""
    return request["dimension"] == 3 or request["pixels"] <= QUICK_PIXELS


def tables(request: Request, found: Advice) -> tuple[dict[str, Columns], dict[str, Any]]:
    """Width to expect, growth and speckle against levels, the budget held; the advice and its reasons."""
    counts = range(max(2, found.levels - 6), min(32, found.levels + 8) + 1)
    ratio = found.growth ** (found.levels - 1)
    rows = [_at(request, found, count, ratio ** (1 / (count - 1))) for count in counts]
    at = np.array(counts, dtype=float)
    low, middle, high, snr = (np.array([row[k] for row in rows]) for k in range(4))
    growths = np.array([ratio ** (1 / (count - 1)) for count in counts])
    here = np.array([float(found.levels)])
    drawn: dict[str, Columns] = {
        "advice_bracket": {"x": at, "y": high, "y2": low},
        "advice_average": {"x": at, "y": middle},
        "advice_wanted": {"y": np.array([float(request["width"])])},
        "advice_levels": {"x": here},
        "advice_growths": {"x": at, "y": growths},
        "advice_most": {"y": np.array([GROWTH_MAX])},
        "advice_growth": {"x": here, "y": np.array([found.growth])},
        "advice_snr": {"x": at[np.isfinite(snr)], "y": np.log10(snr[np.isfinite(snr)])},
        "advice_reasons": _lines(found),
    }
    return drawn, _facts(request, found)


def _at(request: Request, found: Advice, levels: int, growth: float) -> tuple[float, float, float, float]:
    """Widths in pixels of a node, on average and in mid-cell, and peak over speckle, with so many levels."""
    table = level_table(
        request["dimension"],
        levels,
        found.log2_table_size,
        found.base_resolution,
        growth,
        request["convention"],
    )
    average = "adam" if request["regime"] == "adam" else "averaged"
    axis = torch.eye(request["dimension"], dtype=torch.float64)[0]
    low, middle, high = (
        fwhm(table, axis, kernel).item() * request["pixels"] for kernel in ("node", average, "mid_cell")
    )
    return low, middle, high, speckle_law(table).snr


def _lines(found: Advice) -> Columns:
    texts = list(found.reasons)
    if not found.adequate:
        texts.append("not adequate: move the points within their pixels, or take another width")
    rows = -np.arange(len(texts), dtype=float)
    return {"x": np.zeros(len(texts)), "y": rows, "text": texts}


def _facts(request: Request, found: Advice) -> dict[str, Any]:
    narrow, wide = (width * request["pixels"] for width in found.fwhm)
    return {
        "advice_levels": found.levels,
        "advice_growth": found.growth,
        "advice_log2_table": found.log2_table_size,
        "advice_bytes": found.bytes,
        "advice_parameters": found.parameters,
        "advice_finest": found.finest,
        "advice_average": found.average_resolution,
        "advice_narrow": narrow,
        "advice_wide": wide,
        "advice_snr": found.snr if math.isfinite(found.snr) else None,
        "advice_hashed": found.hashed_levels,
        "advice_utilisation": found.utilisation,
        "advice_operations": found.operations,
        "advice_adequate": found.adequate,
    }


def taken(request: Request) -> dict[str, Any]:
    """Parameters of the encoding that the advice asks for.

    Raises:
        RequestError: there is no advice for what is asked.
    """
    found = advice(key_of(request))
    return {
        "levels": found.levels,
        "active": 32,
        "growth": float(f"{found.growth:.6g}"),
        "log2_table": found.log2_table_size,
        "base": found.base_resolution,
        "trained": "",
    }
