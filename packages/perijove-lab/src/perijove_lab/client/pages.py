"""Public pages of notebooks: published, brought up to date and taken back at the history server."""

from __future__ import annotations

import json
import re
from typing import Any

from perijove_lab.client.connection import Connection
from perijove_lab.client.errors import InputError, MissingError, NotConnectedError

# The server reads a request of this kind as a whole.
MOST_BYTES = 30 * 2**20
_ID = re.compile(r"[0-9a-f]{32}")


class Pages:
    """The caller's public pages. NotConnectedError where the server is a Galaxy, which has none."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[dict[str, Any]]:
        """All of them, the latest first: `id`, `title`, `path`, `url`, `update_time`, …"""
        self._check()
        found = self._connection.json("api/perijove/pages")
        return list(found)

    def publish(self, page: dict[str, Any]) -> dict[str, Any]:
        """A new page of `title`, `path`, `notebook`, `html` and `interactive`."""
        return self._send("POST", "api/perijove/pages", page)

    def renew(self, page_id: str, page: dict[str, Any]) -> dict[str, Any]:
        """Show this snapshot behind the same link."""
        return self._send("PUT", f"api/perijove/pages/{checked_id(page_id)}", page)

    def revoke(self, page_id: str) -> None:
        """Take the link back."""
        self._check()
        self._connection.request("DELETE", f"api/perijove/pages/{checked_id(page_id)}")

    def notebook(self, page_id: str) -> tuple[dict[str, Any], str]:
        """Anybody's published notebook, and its name. MissingError once it was taken back."""
        self._check()
        answer = self._connection.request("GET", f"p/{checked_id(page_id)}/notebook.ipynb")
        name = re.search(r'filename="([^"/]+)"', answer.headers.get("Content-Disposition", ""))
        return answer.json(), name.group(1) if name else "notebook.ipynb"

    def _send(self, method: str, path: str, page: dict[str, Any]) -> dict[str, Any]:
        self._check()
        body = json.dumps(page, ensure_ascii=False).encode("utf-8", "replace")
        if len(body) > MOST_BYTES:
            raise InputError(
                f"This notebook with its outputs is too large for a page ({len(body) / 2**20:.0f} MB of "
                f"{MOST_BYTES // 2**20} MB).",
                advice="Clear the largest outputs, or share them as datasets of a history.",
            )
        headers = {"Content-Type": "application/json"}
        found: dict[str, Any] = self._connection.request(method, path, data=body, headers=headers).json()
        return found

    def _check(self) -> None:
        if not self._connection.is_perijove:
            raise NotConnectedError(
                f"{self._connection.url} has no public pages of notebooks.",
                advice="Put the notebook into a history and share that.",
            )


def checked_id(page_id: str) -> str:
    """The id of a page. MissingError where it cannot be one."""
    if not _ID.fullmatch(page_id):
        raise MissingError("There is no such page.", advice="Perhaps its link was not copied as a whole.")
    return page_id
