"""Where a browser reads a history that is shared by a link."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perijove_lab.client.connection import Connection

ADDRESS = "PERIJOVE_GALAXY_ADDRESS"
"""Where browsers reach a Galaxy that the lab reaches by another address (`GALAXY_URL`)."""


def history_link(connection: Connection, history_id: str, environment: Mapping[str, str] = os.environ) -> str:
    """The whole address; empty where nobody may read the history by a link.

    The embedded server says it; a Galaxy says what comes after its own address.
    """
    found = connection.json(f"api/histories/{history_id}/sharing")
    place = found.get("username_and_slug")
    if not found.get("importable") or not (found.get("link") or place):
        return ""
    address = environment.get(ADDRESS) or connection.url
    return str(found.get("link") or f"{address.rstrip('/')}/{place.lstrip('/')}")
