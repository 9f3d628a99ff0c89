"""Doors below `perijove/run/`."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import ApiPath, to_os_path, url_path_join
from tornado import web
from tornado.iostream import StreamClosedError

from perijove_lab.client.errors import InputError, LabError
from perijove_lab.extension.answers import Door
from perijove_lab.extension.run.proposal import proposal
from perijove_lab.extension.run.sending import StoppedSendingError, Tell, submit


class InspectDoor(Door):
    """What a notebook or script needs."""

    @web.authenticated
    async def get(self) -> None:
        """Of the file `path`, as the file browser names it."""
        path = self.get_query_argument("path", "") or ""
        await self.answer(lambda: proposal(self.connection, _file(self, path)))


class SubmitDoor(Door):
    """Send a notebook or script away.

    The answer is lines of JSON, sent as things happen: `{"text", "fraction"}`, and at the end `{"job"}` or
    `{"message", "advice", "retry"}`. Whoever closes the connection stops an upload between two pieces of it.
    """

    def initialize(self) -> None:
        """Nothing has been stopped yet."""
        self._stopped = threading.Event()

    def on_connection_close(self) -> None:
        """The dialog was closed."""
        super().on_connection_close()
        self._stopped.set()

    @web.authenticated
    async def post(self) -> None:
        """Do as the dialog says."""
        try:
            asked = self.body()
            file = _file(self, str(asked.get("path") or ""))
        except LabError as error:
            self.refuse(error)
            return
        self.set_header("Content-Type", "application/x-ndjson")
        lines: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def tell(line: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(lines.put_nowait, line)

        working = loop.run_in_executor(None, self._submit, file, asked, tell)
        await self._pass_on(lines)
        await working

    async def _pass_on(self, lines: asyncio.Queue[dict[str, Any]]) -> None:
        """Write each line as it comes, to the last one; to nobody where the dialog was closed."""
        while True:
            line = await lines.get()
            with suppress(StreamClosedError):
                self.write(json.dumps(line) + "\n")
                await self.flush()
            if "job" in line or "message" in line:
                break
        if not self._stopped.is_set():
            await self.finish(set_content_type="application/x-ndjson")

    def _submit(self, file: Path, asked: dict[str, Any], tell: Tell) -> None:
        """In a thread. The last line says how it ended, whatever happened."""
        try:
            tell({"job": submit(self.connection, file, asked, tell, self._stopped)})
        except StoppedSendingError as stopped:
            tell({"message": stopped.message, "advice": "", "retry": True})
        except LabError as error:
            tell({"message": error.message, "advice": error.advice, "retry": error.retry})
        except Exception:
            self.log.exception("a job could not be sent")
            tell(
                {"message": "The job could not be sent.", "advice": "The lab's log says why.", "retry": False}
            )


def routes(base: str) -> list[tuple[str, type[JupyterHandler]]]:
    """The addresses of these doors."""
    return [
        (url_path_join(base, "perijove/run/inspect"), InspectDoor),
        (url_path_join(base, "perijove/run/submit"), SubmitDoor),
    ]


def _file(door: Door, path: str) -> Path:
    """The file that the file browser calls `path`. InputError where it is not one of the lab's."""
    root = Path(str(door.contents_manager.root_dir)).resolve()
    file = Path(to_os_path(ApiPath(path.strip("/")), str(root)))
    if not path or not file.resolve().is_relative_to(root) or not file.is_file():
        raise InputError(f"There is no file {path}.", advice="Save it, then send it again.")
    return file
