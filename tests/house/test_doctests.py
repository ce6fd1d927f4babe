"""Examples in docstrings, found through the installed names (the name guard stops `--doctest-modules`)."""

from __future__ import annotations

import doctest
import importlib

import pytest
from checkout import dotted, modules


@pytest.mark.parametrize("name", [dotted(path) for path in modules("engine")])
def test_examples_of_the_engine(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert not failed
