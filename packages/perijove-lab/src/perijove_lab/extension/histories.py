"""Doors between histories and the lab: get a dataset, put files, read an executed notebook, share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.utils import url_path_join

from perijove_lab.client.connection import connect
from perijove_lab.client.errors import InputError, LabError
from perijove_lab.client.history_links import history_link
from perijove_lab.extension.answers import Door

if TYPE_CHECKING:
    from tornado.web import RequestHandler

PREFIX = "perijove/histories"
MOST_NOTEBOOK = 2**26  # bytes


def routes(base: str) -> list[tuple[str, type[RequestHandler]]]:
    """What this module answers."""
    doors: dict[str, type[RequestHandler]] = {
        "get": GetDoor,
        "put": PutDoor,
        "notebook": NotebookDoor,
        "link": LinkDoor,
    }
    return [(url_path_join(base, PREFIX, name), door) for name, door in doors.items()]


class FilesDoor(Door):
    """A door that knows where the lab's files are."""

    @property
    def root(self) -> Path:
        """The folder that the file browser shows."""
        return Path(self.settings["server_root_dir"]).expanduser()

    def place(self, path: str) -> Path:
        """A path of the file browser on disk; InputError where it leads out of the browser's folder."""
        root = self.root.resolve()
        found = (root / path.lstrip("/")).resolve()
        if not found.is_relative_to(root):
            raise InputError(f"{path} is not below the lab's folder.")
        return found


class GetDoor(FilesDoor):
    """`POST {"dataset", "kind", "history", "folder"}`: copy it into that folder; `{"paths": […]}`."""

    async def post(self) -> None:
        """Get it; what was got before and has not changed is not sent again."""
        try:
            asked = self.body()
            folder = self.place(str(asked.get("folder") or ""))
        except LabError as error:
            self.refuse(error)
            return
        await self.answer(lambda: self._got(asked, folder))

    def _got(self, asked: dict[str, Any], folder: Path) -> dict[str, Any]:
        from perijove_lab.client.datasets import from_api
        from perijove_lab.client.incoming import get_many

        connection = connect()
        kind = "dataset_collections" if asked.get("kind") == "dataset_collection" else "datasets"
        place = f"api/histories/{asked.get('history')}/contents/{kind}/{asked.get('dataset')}"
        content = from_api(connection, connection.json(place))
        paths = get_many(connection, [content], history_id=content.history_id, to=f"{folder}/")
        return {"paths": [_shown(path, self.root) for path in paths]}


class PutDoor(FilesDoor):
    """`POST {"paths", "history"}`: upload the lab's files; `{"datasets": [ids]}`."""

    async def post(self) -> None:
        """Put them one after the other; a folder becomes a collection."""
        try:
            asked = self.body()
            paths = [self.place(str(path)) for path in asked.get("paths") or ()]
        except LabError as error:
            self.refuse(error)
            return
        await self.answer(lambda: _put(paths, str(asked.get("history") or "")))


def _put(paths: Sequence[Path], history: str) -> dict[str, Any]:
    from perijove_lab.client.outgoing import put_many

    made = [one for path in paths for one in put_many(connect(), [path], history_id=history or None)]
    return {"datasets": [one.id for one in made]}


class NotebookDoor(Door):
    """`GET ?dataset=ID`: an executed notebook as one page that loads nothing: `{"html": …}`."""

    async def get(self) -> None:
        """Rendered as the public pages are."""
        dataset = self.get_query_argument("dataset")
        await self.answer(lambda: _rendered(dataset))


def _rendered(dataset: str) -> dict[str, Any]:
    import nbformat

    from perijove_lab.extension.share.rendering import render

    answer = connect().request("GET", f"api/datasets/{dataset}/display", stream=True)
    with answer:
        content = answer.raw.read(MOST_NOTEBOOK + 1, decode_content=True)
    if len(content) > MOST_NOTEBOOK:
        raise InputError("This notebook is too large to be shown here.", advice="Get it into the lab.")
    try:
        notebook = nbformat.reads(content.decode(), as_version=4)  # type: ignore[no-untyped-call]
    except Exception as error:  # nbformat's own, JSON's, Unicode's
        raise InputError("This is no notebook that can be read.") from error
    return {"html": render(notebook, "").html}


class LinkDoor(Door):
    """`GET ?history=ID`: where everybody reads it who has the link: `{"link": …}`, empty where nobody may."""

    async def get(self) -> None:
        """The whole address, as browsers reach it."""
        history = self.get_query_argument("history")
        await self.answer(lambda: {"link": history_link(self.connection, history)})


def _shown(path: Path, root: Path) -> str:
    """As the file browser names it."""
    resolved = path.resolve()
    return (
        resolved.relative_to(root.resolve()).as_posix()
        if resolved.is_relative_to(root.resolve())
        else str(path)
    )
