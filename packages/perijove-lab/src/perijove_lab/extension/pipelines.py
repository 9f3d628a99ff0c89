"""Doors below `perijove/pipelines/`: pipelines of the lab, run remotely."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import ApiPath, to_os_path, url_path_join
from tornado import web

from perijove_lab.client.connection import Connection
from perijove_lab.client.errors import InputError, LabError, MissingError
from perijove_lab.client.pipeline_nodes import whole_state
from perijove_lab.client.pipelines import PipelineRun, last_run, send_pipeline
from perijove_lab.extension.answers import Door


class RunDoor(Door):
    """The last run of the pipeline `path`, as the file browser names it."""

    @web.authenticated
    async def get(self) -> None:
        """How it stands: `id`, `state` and `nodes`; without an `id` where there is none."""
        path = self.get_query_argument("path", "") or ""
        await self._answer(path, _shown)

    @web.authenticated
    async def post(self) -> None:
        """Send it away; with `rerun`, on from where it failed."""
        try:
            asked = self.body()
        except LabError as error:
            self.refuse(error)
            return
        rerun = asked.get("rerun") is True
        await self._answer(
            str(asked.get("path") or ""),
            lambda connection, path: _state(send_pipeline(connection, path, rerun=rerun)),
        )

    @web.authenticated
    async def delete(self) -> None:
        """End what of it has not ended."""
        path = self.get_query_argument("path", "") or ""
        await self._answer(path, lambda connection, path: _state(last_run(connection, path).cancel()))

    async def _answer(self, path: str, act: Callable[[Connection, Path], dict[str, Any]]) -> None:
        await self.answer(lambda: act(self.connection, _file(self, path)))


def _shown(connection: Connection, path: Path) -> dict[str, Any]:
    try:
        return _state(last_run(connection, path))
    except MissingError:
        return {"id": None, "state": "", "nodes": []}


def _state(run: PipelineRun) -> dict[str, Any]:
    nodes = run.nodes()
    return {
        "id": run.id,
        "history_id": run.history_id,
        "state": whole_state(nodes),
        "nodes": [node.to_json() for node in nodes],
    }


def routes(base: str) -> list[tuple[str, type[JupyterHandler]]]:
    """The addresses of these doors."""
    return [(url_path_join(base, "perijove/pipelines/run"), RunDoor)]


def _file(door: Door, path: str) -> Path:
    """The pipeline that the file browser calls `path`. InputError where it is not one of the lab's."""
    root = os.path.realpath(str(door.contents_manager.root_dir))
    file = Path(to_os_path(ApiPath(path.strip("/")), root))
    inside = Path(os.path.realpath(file)).is_relative_to(root)
    if not inside or file.suffix != ".pipeline" or not file.is_file():
        raise InputError(f"There is no pipeline {path}.", advice="Save it, then run it again.")
    return file
