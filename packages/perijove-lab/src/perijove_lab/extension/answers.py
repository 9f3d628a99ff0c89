"""What every door of the lab answers with: JSON, and an error that says what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError

from perijove_lab.client.connection import Connection, connect
from perijove_lab.client.errors import (
    AwayError,
    InputError,
    KeyRefusedError,
    LabError,
    MissingError,
    NotConnectedError,
    RefusedError,
)

T = TypeVar("T")
_CONNECTION = "perijove_connection"
_STATUS: dict[type[LabError], int] = {
    AwayError: 502,
    NotConnectedError: 503,
    KeyRefusedError: 403,
    MissingError: 404,
    InputError: 400,
}


class Door(APIHandler):
    """Base of the doors: for who has signed in only, and no sign of life by itself.

    A panel that looks for news must not keep an idle lab from being culled.
    """

    _track_activity = False

    @property
    def connection(self) -> Connection:
        """The lab's server, the same for all doors: what it is has to be asked once. NotConnectedError."""
        if _CONNECTION not in self.settings:
            self.settings[_CONNECTION] = connect()
        found: Connection = self.settings[_CONNECTION]
        return found

    async def prepare(self) -> None:  # type: ignore[override]
        """Nobody passes who has not signed in; a Jupyter Server alone asks only where a method says so."""
        await super().prepare()
        if self.current_user is None:
            raise HTTPError(403)

    def refuse(self, error: LabError) -> None:
        """Answer with `{"message", "advice", "retry"}` and the HTTP status that fits."""
        self.set_status(status_of(error))
        self.finish({"message": error.message, "advice": error.advice, "retry": error.retry})

    async def answer(self, act: Callable[[], T]) -> None:
        """Finish with what `act` gives, called in a thread; a LabError becomes its refusal."""
        try:
            found = await asyncio.get_running_loop().run_in_executor(None, act)
        except LabError as error:
            self.refuse(error)
        else:
            self.finish({"value": found} if not isinstance(found, dict) else found)

    def body(self) -> dict[str, Any]:
        """The request's JSON object; InputError where it is none."""
        found = self.get_json_body()
        if not isinstance(found, dict):
            raise InputError("This request needs a JSON object.")
        return found


def status_of(error: LabError) -> int:
    """The HTTP status for `error`."""
    if isinstance(error, RefusedError) and 400 <= error.status < 600:
        return error.status
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
