"""Doors below `perijove/jobs/`."""

from __future__ import annotations

from functools import partial

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from perijove_lab.client import job_view
from perijove_lab.client.errors import InputError, LabError, MissingError
from perijove_lab.extension.answers import Door

LOG_PART = 2**20
_ID = r"([0-9a-f]{1,64})"


class JobDoor(Door):
    """One job."""

    @web.authenticated
    async def get(self, job_id: str) -> None:
        """How it stands."""
        await self.answer(lambda: job_view.view(self.connection, job_id))


class JobLogDoor(Door):
    """What a job writes."""

    @web.authenticated
    async def get(self, job_id: str) -> None:
        """From `offset` on, at most `LOG_PART` bytes."""
        try:
            offset = _offset(self)
        except LabError as error:
            self.refuse(error)
            return
        await self.answer(partial(_log, self, job_id, offset))


class JobSeriesDoor(Door):
    """A job's metrics over time."""

    @web.authenticated
    async def get(self, job_id: str) -> None:
        """All of them, thinned."""
        await self.answer(lambda: {"points": job_view.series(self.connection, job_id)})


class JobNotebookDoor(Door):
    """A job's executed notebook."""

    @web.authenticated
    async def get(self, job_id: str) -> None:
        """As it is now."""
        await self.answer(lambda: {"notebook": _notebook(self, job_id)})


class JobAgainDoor(Door):
    """The same job once more."""

    @web.authenticated
    async def post(self, job_id: str) -> None:
        """Submit it; the new job's id."""
        await self.answer(lambda: {"id": job_view.run_again(self.connection, job_id)})


def routes(base: str) -> list[tuple[str, type[JupyterHandler]]]:
    """The addresses of these doors."""
    doors: dict[str, type[JupyterHandler]] = {
        "": JobDoor,
        "/log": JobLogDoor,
        "/series": JobSeriesDoor,
        "/notebook": JobNotebookDoor,
        "/again": JobAgainDoor,
    }
    return [(url_path_join(base, "perijove/jobs", _ID + name), door) for name, door in doors.items()]


def _log(door: Door, job_id: str, offset: int) -> dict[str, object]:
    return job_view.log(door.connection, job_id, offset=offset, limit=LOG_PART)


def _notebook(door: Door, job_id: str) -> dict[str, object]:
    """As JupyterLab's own server gives notebooks: texts whole instead of as lists of lines."""
    import nbformat

    try:
        content = job_view.notebook(door.connection, job_id)
        return dict(nbformat.reads(content, as_version=4))  # type: ignore[no-untyped-call]
    except (ValueError, nbformat.ValidationError) as error:
        raise MissingError(f"The executed notebook cannot be read: {error}.") from error


def _offset(door: Door) -> int:
    given = door.get_query_argument("offset", "0") or "0"
    try:
        return max(-(2**40), min(2**40, int(given)))
    except ValueError:
        raise InputError("offset is a number of bytes.") from None
