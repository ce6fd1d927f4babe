"""Runs the benchmarks: `python -m benchmarks [NAME…]` prints tables and appends to `results/<name>.csv`.

A benchmark is a module `bench_<name>.py` with a function `rows()` that yields dictionaries:
`name`, `value`, `unit`, and where they exist `floor` (the least that is possible, in the same unit) and
`ratio_to` (the name of an earlier row of the same run; the ratio is what should be quoted).
"""

from __future__ import annotations

import argparse
import csv
import importlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MEASURED: tuple[str, ...] = ("name", "value", "unit", "floor", "ratio_to", "ratio")
PROVENANCE: tuple[str, ...] = ("date", "commit", "hardware", "python", "torch")


def main() -> int:
    """Run what was asked for, or all."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; all when none is named"
    )
    names = parser.parse_args().names or known
    if unknown := set(names) - set(known):
        parser.error(f"benchmark = {', '.join(sorted(unknown))}: known are {', '.join(known)}")
    stamp = provenance()
    for name in names:
        module = importlib.import_module(f"benchmarks.bench_{name}")
        print(f"\n{name}: {(module.__doc__ or '').strip().splitlines()[0]}", flush=True)
        append(HERE / "results" / f"{name}.csv", stamp, with_ratios(show(module.rows())))
    return 0


def show(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows as a list, each printed as soon as it was measured."""
    measured: list[dict[str, Any]] = []
    for row in rows:
        measured.append(dict(row))
        line = with_ratios(measured)[-1]
        floor = f"  floor {line['floor']:.4g}" if line["floor"] != "" else ""
        ratio = f"  {line['ratio']:.3g} × {line['ratio_to']}" if line["ratio"] != "" else ""
        print(f"  {line['name']:<44} {line['value']:>10.4g} {line['unit']:<6}{floor}{ratio}", flush=True)
    return measured


def with_ratios(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with all columns, the ratio to another row of the same run worked out."""
    values = {row["name"]: row["value"] for row in rows}
    complete = []
    for row in rows:
        line = {
            "floor": "",
            "ratio_to": "",
            "ratio": "",
            **{k: "" if v is None else v for k, v in row.items()},
        }
        if line["ratio_to"]:
            line["ratio"] = line["value"] / values[line["ratio_to"]]
        complete.append(line)
    return complete


def append(path: Path, stamp: Mapping[str, str], rows: list[dict[str, Any]]) -> None:
    """Add rows to a CSV file, which is made where it is missing."""
    path.parent.mkdir(exist_ok=True)
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, (*PROVENANCE, *MEASURED), lineterminator="\n")
        if new:
            writer.writeheader()
        for row in rows:
            # Six digits are more than any clock here is worth.
            writer.writerow(
                {**stamp, **{k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()}}
            )


def provenance() -> dict[str, str]:
    """When, on what and with what it was measured."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "commit": commit(),
        "hardware": f"{processor()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "torch": version("torch"),
    }


def processor() -> str:
    """Name of the processor, as the system gives it."""
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def commit() -> str:
    """The commit, with a + where the tree differs from it."""
    described = subprocess.run(
        ["git", "describe", "--always", "--abbrev=10", "--dirty=+", "--exclude=*"],
        cwd=HERE, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return described.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
