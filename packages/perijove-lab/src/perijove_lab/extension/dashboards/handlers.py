"""Doors below `perijove/dashboards/`, and `perijove/programs/`, where started programs are seen."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from pathlib import Path
from typing import Any

from jupyter_server.utils import ApiPath, to_os_path, url_path_join
from tornado import web

from perijove_lab.client.errors import InputError, LabError, MissingError
from perijove_lab.extension.answers import Door
from perijove_lab.extension.dashboards import known
from perijove_lab.extension.dashboards.job_logs import JobLogs
from perijove_lab.extension.dashboards.netron import NetronPage, NetronPart
from perijove_lab.extension.dashboards.programs import Programs, Running, Wanted
from perijove_lab.extension.dashboards.usage import Meter

_PROGRAMS = "perijove_programs"
_METER = "perijove_meter"
_JOB = re.compile(r"[0-9a-f]{1,64}")


def programs(settings: dict[str, Any]) -> Programs:
    """Those of this server."""
    if _PROGRAMS not in settings:
        settings[_PROGRAMS] = Programs(settings["base_url"])
    found: Programs = settings[_PROGRAMS]
    return found


class UsageDoor(Door):
    """What the lab uses."""

    @web.authenticated
    async def get(self) -> None:
        """CPUs, memory and their limits."""
        if _METER not in self.settings:
            self.settings[_METER] = Meter()
        await self.answer(lambda: self.settings[_METER].read().as_dict())


class StartDoor(Door):
    """Start a program for a file or folder; one that runs already is shown again."""

    @web.authenticated
    async def post(self, name: str) -> None:
        """`{"path"}` as the file browser names it, for TensorBoard also `{"job"}` → `{"url"}`."""
        try:
            body = self.body()
            if name == "tensorboard" and "job" in body:
                running, below = await self._of_job(str(body["job"])), ""
            else:
                wanted, below = self._wanted(name, str(body.get("path") or ""))
                running = await programs(self.settings).start(wanted)
        except LabError as error:
            self.refuse(error)
            return
        add_proxy(self.application)
        self.finish({"url": f"{programs(self.settings).address(running)}/{below}"})

    async def _of_job(self, job_id: str) -> Running:
        """TensorBoard over the logs of a job, which are followed while it runs."""
        if not _JOB.fullmatch(job_id):
            raise InputError("This is not the id of a job.")
        ours = programs(self.settings)
        running = ours.showing(known.job_identity(job_id))
        if running is not None:
            return running
        begin = partial(JobLogs.follow, self.connection, job_id)
        logs = await asyncio.get_running_loop().run_in_executor(None, begin)
        return await ours.start(known.tensorboard_of_job(logs))

    def _wanted(self, name: str, path: str) -> tuple[Wanted, str]:
        root = Path(self.settings["server_root_dir"]).expanduser()
        place = Path(to_os_path(ApiPath(path.removeprefix("RTC:")), str(root)))
        if not place.exists():
            raise MissingError(f"There is no {path or 'such folder'}.", advice="Choose one that is there.")
        if name == "tensorboard":
            return known.tensorboard(place if place.is_dir() else place.parent), ""
        if place.suffix != ".ipynb":
            raise InputError("Voilà shows notebooks.", advice="Choose a file that ends in .ipynb.")
        return known.voila(root), f"voila/render/{place.relative_to(root).as_posix()}"


def add_proxy(app: Any) -> None:
    """Show started programs. What does it is imported when the first is there."""
    from perijove_lab.extension.dashboards.proxy import ProgramDoor

    if not app.settings.get("perijove_programs_shown"):
        app.settings["perijove_programs_shown"] = True
        address = url_path_join(app.settings["base_url"], "perijove/programs", r"([\w-]+)(/.*)?")
        app.add_handlers(".*$", [(address, ProgramDoor)])


def routes(base_url: str) -> list[tuple[Any, ...]]:
    """For the server's list of handlers."""
    return [
        (url_path_join(base_url, "perijove/dashboards/usage"), UsageDoor),
        (url_path_join(base_url, "perijove/dashboards/netron/?"), NetronPage),
        (url_path_join(base_url, r"perijove/dashboards/netron/([\w-]+\.\w+)"), NetronPart),
        (url_path_join(base_url, "perijove/dashboards/(tensorboard|voila)"), StartDoor),
    ]
