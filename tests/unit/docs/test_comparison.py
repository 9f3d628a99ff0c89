"""docs/comparison.md: a cell of ours names a test or benchmark that exists, one of theirs a dated source."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "comparison.md"
TEXT = PAGE.read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith(("| | ", "| ---"))
]
LISTED = TEXT.partition("## Sources")[2]
SOURCES = dict(re.findall(r"^(\d+)\. (.+(?:\n   .+)*)", LISTED, re.MULTILINE))


def test_there_are_rows_and_sources():
    assert len(ROWS) > 15
    assert all(len(row) == 5 for row in ROWS)
    assert set(SOURCES) == {str(number) for number in range(1, len(SOURCES) + 1)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_ours_is_shown_by_a_test_or_a_benchmark(row: list[str]):
    named = re.findall(r"\]\(\.\./((?:tests|benchmarks)/[^)]+\.py)\)", row[4])
    assert named, row[0]
    for path in named:
        assert (PAGE.parents[1] / path).is_file(), path


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_theirs_names_its_source(row: list[str]):
    for cell in row[1:4]:
        named = re.findall(r"\[(\d+)\]", cell)
        assert named or cell == "?", cell
        assert set(named) <= set(SOURCES)


@pytest.mark.parametrize("number", sorted(SOURCES))
def test_every_source_is_dated_and_used(number: str):
    assert re.search(r"Read 20\d\d-\d\d-\d\d", SOURCES[number])
    assert f"[{number}]" in TEXT.partition("## Sources")[0]
