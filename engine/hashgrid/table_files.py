"""Trained tables in .npz files, for measuring the kernel of an encoding that has learned something."""

import io
import lzma
import zipfile
import zlib
from typing import IO, Any

import numpy as np
import torch

from .configurations import GridConfiguration
from .errors import InvalidGrid, MissingConfiguration, TableTooLarge
from .grid import BYTES_MAX, HashGrid

_NUMBERS = ("dim", "levels", "log2_table_size", "base_resolution", "growth")
_WORDS = ("convention", "interpolation")
# RuntimeError: a member that is encrypted, or says so because a bit of it is wrong
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    SyntaxError,
    RuntimeError,
)


def grid_to_npz(grid: HashGrid) -> bytes:
    """The table and all that is needed to read it again.

    Raises:
        InvalidGrid: on a grid with rotations or hashes of its own, which the file has no place for.
    """
    if grid.rotation is not None or any(grid.lattice.hash_seeds):
        raise InvalidGrid("grid has rotations or hash seeds of its own: the file holds plain grids")
    numbers = {
        "dim": grid.dim,
        "levels": len(grid.level_mask),
        "log2_table_size": grid.log2_table_size,
        "base_resolution": grid.base_resolution,
        "growth": grid.growth,
    }
    words = {
        "convention": grid.convention,
        "interpolation": "smoothstep" if grid.lattice.smoothstep else "linear",
    }
    stream = io.BytesIO()
    arrays: dict[str, Any] = {name: np.array(value) for name, value in {**numbers, **words}.items()}
    np.savez_compressed(stream, table=grid.table.detach().cpu().numpy(), **arrays)
    return stream.getvalue()


def grid_from_npz(
    content: bytes, configuration: GridConfiguration | None = None, max_bytes: int = BYTES_MAX
) -> HashGrid:
    """A grid with the table of an .npz file.

    The file holds `table`, (rows, features) or flat as peers store it; where it also holds dim, levels,
    log2_table_size, base_resolution, growth and convention it needs no configuration. Nothing is unpickled, and
    sizes are taken from the headers before anything is read.

    Raises:
        InvalidGrid: on a file that is damaged, holds other things, does not fit the configuration, or has a NaN.
        MissingConfiguration: (an InvalidGrid) on a table alone, where none is given.
        TableTooLarge: when the table is beyond `max_bytes`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            arrays = {name: _read(archive, name, max_bytes) for name in _wanted(archive)}
    except (InvalidGrid, MemoryError):
        raise
    except _DAMAGED as error:
        raise InvalidGrid(f"table file cannot be read ({error}): an .npz is needed") from error
    table = torch.from_numpy(arrays.pop("table"))
    if configuration is None:
        configuration = _configuration(arrays, table)
    grid = configuration.build(max_bytes=max_bytes, dtype=table.dtype)
    grid.load_table(table.reshape(grid.table.shape) if table.numel() == grid.table.numel() else table)
    return grid


def _wanted(archive: zipfile.ZipFile) -> list[str]:
    found = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    if "table" not in found:
        shown = ", ".join(found[:6]) or "nothing"
        raise InvalidGrid(f"table file holds {shown}: an array named table is needed")
    return [name for name in ("table", *_NUMBERS, *_WORDS) if name in found]


def _read(archive: zipfile.ZipFile, name: str, max_bytes: int) -> np.ndarray:
    with archive.open(f"{name}.npy") as stream:
        shape, dtype = _header(name, stream)
    size = int(np.prod([int(side) for side in shape], dtype=object)) * dtype.itemsize
    if size > (max_bytes if name == "table" else 1024):
        raise TableTooLarge(size, max_bytes)
    if name == "table" and dtype.kind != "f":
        raise InvalidGrid(f"table is {dtype}: floating point is needed")
    with archive.open(f"{name}.npy") as stream:
        values = np.lib.format.read_array(stream, allow_pickle=False)
    if name != "table":
        return values
    # half precision is how tiny-cuda-nn keeps its tables
    return np.ascontiguousarray(values, np.float64 if dtype.itemsize == 8 else np.float32)


def _header(name: str, stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise InvalidGrid(f"{name} is an .npy of version {version}: (1, 0) or (2, 0) is needed")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    return shape, dtype


def _configuration(arrays: dict[str, np.ndarray], table: torch.Tensor) -> GridConfiguration:
    missing = [name for name in (*_NUMBERS, "convention") if name not in arrays]
    if missing or table.ndim != 2:
        what = ", ".join(missing) or "the shape (rows, features) of table"
        raise MissingConfiguration(f"table file lacks {what}: give the configuration it was trained with")
    odd = [name for name in _NUMBERS if not _plain(arrays[name], whole=name != "growth")]
    odd += [
        name for name in _WORDS if name in arrays and (arrays[name].dtype.kind, arrays[name].size) != ("U", 1)
    ]
    if odd:
        raise InvalidGrid(f"{odd[0]} is {arrays[odd[0]]!r}: one plain value is needed")
    dim, levels, log2, base = (int(arrays[name].item()) for name in _NUMBERS[:-1])
    return GridConfiguration(
        dim,
        levels,
        table.shape[1],
        log2,
        base,
        float(arrays["growth"].item()),
        arrays["convention"].item(),
        arrays["interpolation"].item() if "interpolation" in arrays else "linear",
    )


def _plain(values: np.ndarray, whole: bool) -> bool:
    """Whether this is one finite number, a whole one where that is asked for."""
    if values.size != 1 or values.dtype.kind not in "fiu" or not np.isfinite(values.item()):
        return False
    return not whole or values.item() == int(values.item())
