"""The beginning of a dataset as text, for people who want a look."""

from __future__ import annotations

from perijove.core.errors import ConflictError
from perijove.histories.context import Context
from perijove.histories.datatypes.text import decode
from perijove.histories.schemas.contents import TextContent
from perijove.histories.services.downloads import open_dataset
from perijove.histories.store.files import storage_errors
from perijove.histories.store.models import Dataset

LONGEST = 2**20


def text_content(context: Context, dataset: Dataset) -> TextContent:
    """Up to 1 MiB of a text dataset. ConflictError for a binary one."""
    download = open_dataset(context, dataset)
    with storage_errors(), download.path.open("rb") as file:
        head = file.read(LONGEST)
    text = decode(head, whole=len(head) == download.size)
    if text is None:
        raise ConflictError("This dataset is not text.", advice="Download it.")
    return TextContent(
        item_data=text,
        truncated=download.size > len(head),
        item_url=f"/api/datasets/{dataset.id}/display",
    )
