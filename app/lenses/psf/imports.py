"""Files dropped on the lens: configurations of tiny-cuda-nn and nerfstudio, and trained tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from anisoscope.engine.hashgrid import (
    GridConfiguration,
    HashGrid,
    InvalidGrid,
    MissingConfiguration,
    grid_from_npz,
    nerfstudio_configuration,
    tiny_cuda_nn_configuration,
)

from ...errors import RequestError
from ...request import Request
from ...uploads import content_of, keep, name_of

NERFSTUDIO = {"num_levels", "min_res", "base_res", "max_res", "features_per_level", "implementation"}
TINY_CUDA_NN = {
    "otype",
    "encoding",
    "nested",
    "n_levels",
    "n_features_per_level",
    "per_level_scale",
    "base_resolution",
}
TABLE_BYTES = 96_000_000
ALLOWED = "a request.json, a configuration of tiny-cuda-nn or the arguments of nerfstudio's HashEncoding"
FOREIGN_SHOWN = 6


def open_file(name: str, content: bytes, state: Mapping[str, Any]) -> dict[str, Any] | None:
    """Parameter values a dropped configuration or table asks for; what cannot be read changes nothing.

    Args:
        name: the file's name; content: its bytes.
        state: all parameter values now.

    Returns:
        The values, or None where the file is neither: a request of a lens, an archive, an image.

    Raises:
        RequestError: it is one of these and cannot be used, by name.
    """
    ending = PurePath(name).suffix.lower()
    if ending == ".npz":
        return _table(name, content, state)
    if ending != ".json":
        return None
    found = _object(name, content)
    if isinstance(found.get("parameters"), Mapping):
        return None
    return {**_kept(state), **_values(name, _configuration(name, found, state))}


def _object(name: str, content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RequestError("file", name, f"is no JSON ({error}); must be {ALLOWED}") from error
    if not isinstance(found, dict):
        raise RequestError("file", name, f"holds a {type(found).__name__}; must be {ALLOWED}")
    return found


def _configuration(name: str, found: dict[str, Any], state: Mapping[str, Any]) -> GridConfiguration:
    """By the keys: those of neither program are named."""
    try:
        if NERFSTUDIO & set(found):
            return nerfstudio_configuration(found)
        if TINY_CUDA_NN & set(found):
            return tiny_cuda_nn_configuration(found, state["dimension"])
    except InvalidGrid as error:
        raise RequestError("file", name, str(error)) from error
    keys = ", ".join(list(found)[:FOREIGN_SHOWN]) or "nothing"
    raise RequestError("file", name, f"has the keys {keys}; must be {ALLOWED}")


def _values(name: str, found: GridConfiguration) -> dict[str, Any]:
    if found.dim not in (2, 3):
        raise RequestError("dimension", found.dim, f"{name} is of a line; 2 or 3 is shown")
    if found.interpolation != "linear":
        raise RequestError("interpolation", found.interpolation, f"{name}: kernels are known for Linear")
    return {
        "levels": found.levels,
        "growth": found.growth,
        "base": found.base_resolution,
        "log2_table": found.log2_table_size,
        "features": found.features,
        "convention": found.convention,
        "dimension": found.dim,
        "active": 32,
        "trained": "",
        "foreign": noted(name, found.foreign),
    }


def noted(name: str, foreign: tuple[str, ...]) -> str:
    """What is said of keys that play no part."""
    if not foreign:
        return ""
    words = ", ".join(foreign[:FOREIGN_SHOWN]) + (" …" if len(foreign) > FOREIGN_SHOWN else "")
    return f"{PurePath(name).name[-40:]}: not used: {words}"[:200]


def _kept(state: Mapping[str, Any]) -> dict[str, Any]:
    """What the file says nothing of stays; places of another encoding do not."""
    return {key: value for key, value in state.items() if key not in ("dx", "dy", "trained", "foreign")}


def _table(name: str, content: bytes, state: Mapping[str, Any]) -> dict[str, Any]:
    """A table with its own configuration, else with the one that is set."""
    grid = _read(name, content, state)
    own = GridConfiguration(
        grid.dim,
        len(grid.levels.scales),
        grid.features,
        grid.log2_table_size,
        grid.base_resolution,
        grid.growth,
        grid.convention,
    )
    values = _values(name, own) | {"trained": keep(name, content), "foreign": ""}
    return {**_kept(state), **values, "turn": 0.0, "rotation_set": "none", "view": "tables"}


def _read(name: str, content: bytes, state: Mapping[str, Any]) -> HashGrid:
    try:
        try:
            grid = grid_from_npz(content, None, TABLE_BYTES)
        except MissingConfiguration:
            grid = grid_from_npz(content, _set_now(state), TABLE_BYTES)
    except (InvalidGrid, MemoryError) as error:
        raise RequestError("trained", name, str(error)) from error
    if grid.lattice.smoothstep:
        raise RequestError("trained", name, "is interpolated by smoothstep; kernels are known for linear")
    return grid


def _set_now(state: Mapping[str, Any]) -> GridConfiguration:
    return GridConfiguration(
        state["dimension"],
        state["levels"],
        state["features"],
        state["log2_table"],
        state["base"],
        state["growth"],
        state["convention"],
    )


def trained_grid(token: str, request: Request) -> HashGrid:
    """The grid of a kept table.

    Raises:
        RequestError: the file is not here, or does not fit what is set.
    """
    names = ("dimension", "levels", "features", "log2_table", "base", "growth", "convention")
    return _kept_grid(token, tuple((name, request[name]) for name in names))


@lru_cache(maxsize=2)
def _kept_grid(token: str, state: tuple[tuple[str, Any], ...]) -> HashGrid:
    return _read(name_of(token), content_of("trained", token), dict(state))
