"""Configurations of other programs as grids: tiny-cuda-nn's JSON and the arguments of nerfstudio's HashEncoding."""

import ast
import json
import reprlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from .errors import InvalidGrid
from .grid import HashGrid
from .lattice import Interpolation, Lattice, make_lattice
from .levels import Convention, checked_count, checked_shape, growth_between

_TCNN_KNOWN = {
    "otype", "type", "n_levels", "n_features", "n_grid_features", "n_features_per_level", "log2_hashmap_size",
    "base_resolution", "per_level_scale", "interpolation", "hash", "n_dims_to_encode", "stochastic_interpolation",
}  # fmt: skip
_NERFSTUDIO_KNOWN = {
    "num_levels", "min_res", "base_res", "max_res", "log2_hashmap_size", "features_per_level", "implementation",
    "interpolation",
}  # fmt: skip
_TEXT_MAX = 100_000
_COUNT_MAX = 2**31 - 1


@dataclass(frozen=True)
class GridConfiguration:
    """What a configuration says of its grid.

    Attributes:
        foreign: keys that were not understood and play no part, as "key" or "outer.key".
    """

    dim: int
    levels: int
    features: int
    log2_table_size: int
    base_resolution: int
    growth: float
    convention: Convention
    interpolation: Interpolation = "linear"
    foreign: tuple[str, ...] = ()

    def lattice(self, **more: Any) -> Lattice:
        """The lattice alone; `more` are further keywords of `make_lattice`."""
        return make_lattice(*self._shape(), self.convention, interpolation=self.interpolation, **more)

    def build(self, **more: Any) -> HashGrid:
        """The grid, freshly drawn; `more` are further keywords of `HashGrid`.

        Raises:
            TableTooLarge: when its table is beyond `max_bytes`.
        """
        return HashGrid(
            self.dim,
            self.levels,
            self.features,
            self.log2_table_size,
            self.base_resolution,
            self.growth,
            self.convention,
            interpolation=self.interpolation,
            **more,
        )

    def _shape(self) -> tuple[int, int, int, int, float]:
        return self.dim, self.levels, self.log2_table_size, self.base_resolution, self.growth


def tiny_cuda_nn_configuration(source: str | Mapping[str, Any], dim: int = 3) -> GridConfiguration:
    """The grid of a tiny-cuda-nn configuration, with that program's defaults.

    Args:
        source: JSON text or a mapping: an encoding, or a whole configuration with an "encoding", in which a
            composite may nest the grid.
        dim: dimensions of the points; "n_dims_to_encode" wins where it is given.

    Raises:
        InvalidGrid: on text that is no JSON object, another kind of encoding, or a value that is not allowed.

    >>> tiny_cuda_nn_configuration('{"otype": "HashGrid", "n_levels": 8, "colour": 1}').foreign
    ('colour',)
    """
    whole = _mapping(source, "tiny-cuda-nn configuration")
    found, foreign = _grid_encoding(whole)
    foreign += [key for key in found if key not in _TCNN_KNOWN]
    _only(found, "type", "Hash", {"hash"})
    _only(found, "hash", "CoherentPrime", {"coherentprime"})
    _only(found, "stochastic_interpolation", False, {"false"})
    features = _count(found, "n_features_per_level", 2, least=1)
    levels = _count(found, "n_levels", 16)
    total = "n_features" if "n_features" in found else "n_grid_features"
    if total in found:
        if "n_levels" in found:
            raise InvalidGrid(f"{total} and n_levels are both given: one of the two is allowed")
        levels, rest = divmod(_count(found, total, 0), features)
        if rest:
            raise InvalidGrid(
                f"{total} is {_shown(found[total])}: a multiple of n_features_per_level, {features}, is needed"
            )
    return _checked(
        GridConfiguration(
            _count(found, "n_dims_to_encode", dim),
            levels,
            features,
            _count(found, "log2_hashmap_size", 19),
            _count(found, "base_resolution", 16),
            _number(found, "per_level_scale", 2.0),
            "tiny-cuda-nn",
            _interpolation(found),
            tuple(foreign),
        )
    )


def nerfstudio_configuration(source: str | Mapping[str, Any]) -> GridConfiguration:
    """The grid of nerfstudio's `HashEncoding`, with that program's defaults.

    Growth takes min_res to max_res. The default implementation is "tcnn", whose lattice is tiny-cuda-nn's;
    "torch" has nerfstudio's own: no offset, and no dense levels.

    Args:
        source: a mapping, JSON text, or a call such as `HashEncoding(num_levels=16, max_res=2048)`; base_res, as
            nerfacto has it, is min_res.

    Raises:
        InvalidGrid: on text that is neither, and a value that is not allowed.

    >>> nerfstudio_configuration("HashEncoding(num_levels=8, max_res=2048, implementation='torch')").growth
    2.0
    """
    found = _mapping(source, "nerfstudio arguments", _call)
    implementation = found.get("implementation", "tcnn")
    if implementation not in ("tcnn", "torch"):
        raise InvalidGrid(f"implementation is {_shown(implementation)}: 'tcnn' or 'torch' is needed")
    if "base_res" in found and "min_res" in found:
        given = f"{_shown(found['base_res'])} and {_shown(found['min_res'])}"
        raise InvalidGrid(f"base_res and min_res are both given, {given}: one of the two is allowed")
    coarsest = _count(found, "base_res" if "base_res" in found else "min_res", 16)
    levels = checked_count("num_levels", _count(found, "num_levels", 16), 2, 32)
    growth = growth_between(coarsest, _number(found, "max_res", 1024), levels)
    return _checked(
        GridConfiguration(
            3,
            levels,
            _count(found, "features_per_level", 2),
            _count(found, "log2_hashmap_size", 19),
            coarsest,
            round(growth, 12),
            "tiny-cuda-nn" if implementation == "tcnn" else "nerfstudio",
            _interpolation(found),
            tuple(key for key in found if key not in _NERFSTUDIO_KNOWN),
        )
    )


def _checked(found: GridConfiguration) -> GridConfiguration:
    checked_shape(*found._shape(), found.convention)
    checked_count("features", found.features, 1, 64)
    return found


def _mapping(
    source: str | Mapping[str, Any], name: str, otherwise: Callable[[str], dict[str, Any]] | None = None
) -> Mapping[str, Any]:
    if isinstance(source, Mapping):
        return source
    if len(source) > _TEXT_MAX:
        raise InvalidGrid(f"{name} has {len(source)} characters: at most {_TEXT_MAX} are taken")
    try:
        found = json.loads(source, parse_int=_integer)
    except (json.JSONDecodeError, RecursionError) as error:
        if otherwise is None:
            raise InvalidGrid(f"{name} is no JSON ({error}): an object is needed") from error
        return otherwise(source)
    if not isinstance(found, dict):
        raise InvalidGrid(f"{name} is a {type(found).__name__}: a JSON object is needed")
    return found


def _integer(digits: str) -> float:
    """A JSON integer; one that Python would not read is as far beyond all ranges as the infinity it becomes."""
    return int(digits) if len(digits) <= sys.int_info.str_digits_check_threshold else float(digits)


def _call(text: str) -> dict[str, Any]:
    """The keyword arguments of one call; parsed and never run."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        if not isinstance(tree, ast.Call) or tree.args:
            raise InvalidGrid("nerfstudio arguments: JSON or a call with keyword arguments is needed")
        return {str(word.arg): ast.literal_eval(word.value) for word in tree.keywords}
    except InvalidGrid:
        raise
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise InvalidGrid(
            f"nerfstudio arguments cannot be read ({error}): plain values are needed"
        ) from error


def _grid_encoding(whole: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    """The grid within a configuration, and the keys around it."""
    foreign: list[str] = []
    found = whole
    for inner in ("encoding", "nested"):
        if inner not in found:
            continue
        foreign += [key for key in found if key not in (inner, "otype")]
        parts = found[inner] if isinstance(found[inner], list) else [found[inner]]
        grids = [part for part in parts if isinstance(part, Mapping) and _is_grid(part)]
        if len(grids) != 1:
            raise InvalidGrid(f"{inner} holds {len(grids)} hash grids: one is needed")
        found = grids[0]
    if not _is_grid(found) or "encoding" in found or "nested" in found:
        raise InvalidGrid(f"otype is {_shown(found.get('otype'))}: Grid or HashGrid is needed")
    return found, foreign


def _is_grid(part: Mapping[str, Any]) -> bool:
    return "nested" in part or str(part.get("otype", "Grid")).lower() in ("grid", "hashgrid")


def _only(found: Mapping[str, Any], key: str, default: Any, allowed: set[str]) -> None:
    value = found.get(key, default)
    if str(value).lower() not in allowed:
        raise InvalidGrid(f"{key} is {_shown(value)}: only {default!r} is known here")


def _interpolation(found: Mapping[str, Any]) -> Interpolation:
    value = found.get("interpolation")
    if value is None or str(value).lower() == "linear":
        return "linear"
    if str(value).lower() == "smoothstep":
        return "smoothstep"
    raise InvalidGrid(f"interpolation is {_shown(value)}: Linear or Smoothstep is known here")


def _count(found: Mapping[str, Any], key: str, default: int, least: int = 0) -> int:
    value: Any = found.get(key, default)
    whole = value.is_integer() if isinstance(value, float) else isinstance(value, Integral)
    if isinstance(value, bool) or not whole or not least <= value <= _COUNT_MAX:
        raise InvalidGrid(f"{key} is {_shown(value)}: a whole number, {least} to {_COUNT_MAX}, is needed")
    return int(value)


def _number(found: Mapping[str, Any], key: str, default: float) -> float:
    value = found.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidGrid(f"{key} is {_shown(value)}: a number is needed")
    # written so that NaN fails
    if not abs(value) <= sys.float_info.max:
        raise InvalidGrid(f"{key} is {_shown(value)}: a finite number is needed")
    return float(value)


def _shown(value: Any) -> str:
    """A value as a message shows it: in short, and without the digits that Python may refuse to write."""
    if isinstance(value, int) and value.bit_length() > 64:
        return f"an integer of {value.bit_length()} bits"
    return f"a {type(value).__name__}" if isinstance(value, list | tuple | dict) else reprlib.repr(value)
