"""The pages that are made from the code are the ones that the code makes now (`make docs`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from perijove.cli import describe, reference

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("reference/settings.md", describe.reference_page),
        ("operators/perijove.toml.sample", describe.sample_file),
        ("reference/cli.md", reference.reference_page),
    ],
)
def test_generated_pages_are_up_to_date(page: str, text: object) -> None:
    assert (DOCS / page).read_text() == text(), "run `make docs`"  # type: ignore[operator]
