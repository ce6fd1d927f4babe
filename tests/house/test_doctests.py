"""Examples in docstrings, found through the installed names (the name guard stops `--doctest-modules`)."""

from __future__ import annotations

import doctest
import importlib

import pytest
from checkout import dotted, modules

EXAMPLES = [
    dotted(path)
    for package in ("engine", "app")
    for path in modules(package)
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_run_and_give_what_they_say(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert tried and not failed
