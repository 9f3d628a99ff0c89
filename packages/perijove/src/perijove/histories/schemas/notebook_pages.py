"""Public pages of notebooks over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from perijove.histories.schemas.common import Answer, FreeText, Name, Request
from perijove.histories.store.ids import UNGUESSABLE_PATTERN


def _is_notebook(value: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(value.get("cells"), list) or not isinstance(value.get("nbformat"), int):
        raise ValueError("is not a notebook: it has no list of cells, or no nbformat")
    return value


class NotebookPageWrite(Request):
    """A notebook as it is now, and what it looks like: rendered by whoever publishes, trusted by nobody."""

    title: Name
    path: FreeText = Field(default="", description="where it lies in its owner's lab")
    notebook: Annotated[dict[str, Any], AfterValidator(_is_notebook)]
    html: str = Field(min_length=1, description="the body of the page, rendered; shown in a sandbox")
    interactive: bool = Field(default=False, description="it holds scripts, which run only where asked for")


class NotebookPageAnswer(Answer):
    """A public page, as its owner sees it."""

    id: str = Field(pattern=UNGUESSABLE_PATTERN)
    title: str
    path: str
    url: str = Field(description="where anybody may read it")
    size: int = Field(description="bytes that it keeps")
    interactive: bool
    create_time: datetime
    update_time: datetime
