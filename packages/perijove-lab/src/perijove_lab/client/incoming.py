"""`get`: from the histories into the folder of the notebook."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from perijove_lab.client.connection import Connection
from perijove_lab.client.datasets import Dataset, IdentifierType, current_history, find
from perijove_lab.client.errors import InputError
from perijove_lab.client.fetching import fetch, is_folder


def get_many(
    connection: Connection,
    wanted: Sequence[object],
    *,
    history_id: str | None = None,
    to: str | Path | None = None,
    identifier_type: IdentifierType = "hid",
) -> list[Path]:
    """The paths of what was asked for, in that order."""
    needs_history = not all(isinstance(one, Dataset) for one in wanted)
    history = current_history(connection, history_id) if needs_history else ""
    found = [entry for one in wanted for entry in find(connection, history, one, identifier_type)]
    if to is not None and len(found) > 1 and not is_folder(to):
        raise InputError(
            f"{len(found)} datasets cannot all become {to}.", advice="Name a folder: to='folder/'."
        )
    return [fetch(entry, to) for entry in found]
