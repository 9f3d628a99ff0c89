"""From a notebook in the lab to what a public page needs, and from a public page to a copy in the lab."""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import Any

from nbformat import NotebookNode

from perijove_lab.client.connection import connect
from perijove_lab.client.pages import Pages

FOLDER = "shared"


def publish(path: str, notebook: NotebookNode, page_id: str) -> dict[str, Any]:
    """The page of this notebook as it is now: the one of `page_id` brought up to date, else a new one."""
    page = page_of(path, notebook)
    pages = Pages(connect())
    return pages.renew(page_id, page) if page_id else pages.publish(page)


def page_of(path: str, notebook: NotebookNode) -> dict[str, Any]:
    """What the history server wants of a page."""
    from perijove_lab.extension.share.rendering import render

    title = title_of(path, notebook)
    rendered = render(notebook, title)
    return {
        "title": title,
        "path": path,
        "notebook": notebook,
        "html": rendered.html,
        "interactive": rendered.interactive,
    }


def title_of(path: str, notebook: NotebookNode) -> str:
    """The notebook's own title, else its first heading, else its name."""
    given = notebook.metadata.get("title")
    title = given if isinstance(given, str) else _first_heading(notebook)
    plain = "".join(character if character.isprintable() else " " for character in title).strip()
    return (plain or PurePosixPath(path).stem or "Notebook")[:200]


def _first_heading(notebook: NotebookNode) -> str:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for line in cell.source.splitlines():
                if line.startswith("# "):
                    return str(line[2:]).strip("# *_`")
    return ""


def fetch(page_id: str) -> tuple[dict[str, Any], str]:
    """A published notebook and a name for it. A room has no key, and needs none for this."""
    return Pages(connect(key=os.environ.get("API_KEY") or "none")).notebook(page_id)
