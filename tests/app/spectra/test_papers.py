"""The sources of the lens: each can be cited and reached."""

from __future__ import annotations

import re

import pytest

from anisoscope.app import words
from anisoscope.app.lenses.spectra import SpectraLens
from anisoscope.app.lenses.spectra.papers import PAPERS


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.short)
def test_an_entry_has_title_authors_year_and_place(paper) -> None:
    fields = dict(re.findall(r"^ +(\w+) += \{(.+?)\},?$", paper.bibtex, re.MULTILINE | re.DOTALL))
    assert {"title", "author", "year"} <= fields.keys()
    assert " and " in fields["author"]
    assert fields["year"] == paper.short.split()[-1]
    assert fields.get("eprint", "") == paper.arxiv
    assert fields.get("url", "") == paper.page
    assert bool(paper.arxiv) != bool(paper.page)


def test_the_title_links_every_source() -> None:
    found = re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', words.title(SpectraLens()))
    assert ("https://arxiv.org/abs/2505.21799", "PolarGrad 2025, arXiv 2505.21799") in found
    assert ("https://kellerjordan.github.io/posts/muon/", "Muon 2024") in found
    assert len(found) == len(PAPERS)
