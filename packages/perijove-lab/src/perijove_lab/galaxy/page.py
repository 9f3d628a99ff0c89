"""The executed notebook as a page that any browser shows."""

from __future__ import annotations

import sys
from pathlib import Path

_LARGEST = 64 * 2**20  # bytes; beyond it no browser opens the page


def write_page(notebook: Path, page: Path) -> None:
    """Write `page`; a notebook that cannot be shown leaves none, and standard error says why."""
    try:
        if notebook.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        from nbconvert import HTMLExporter

        exporter = HTMLExporter(embed_images=True)  # type: ignore[no-untyped-call]
        body, _ = exporter.from_filename(str(notebook))
        page.write_text(body, encoding="utf-8")
    except Exception as error:  # a report is no reason to lose a training
        print(f"The HTML report was not made: {error}", file=sys.stderr)
