"""The spawner: starts each lab through the launcher, and finds it again after any restart of the hub."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from jupyterhub.spawner import Spawner, SpawnException  # type: ignore[import-untyped]
from sqlalchemy.orm import object_session
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from traitlets import Instance

from perijove.core.errors import (
    ConfinementError,
    ConflictError,
    InsufficientResourcesError,
    NotFoundError,
    PerijoveError,
)
from perijove.core.flavors import Flavor, offered_flavors
from perijove.core.settings import Settings
from perijove.hub import flavors as offer
from perijove.hub.flavors import Machine, Offer
from perijove.hub.lab import FRONT_DOOR, Lab, lab_log, lab_prefix, lab_spec, last_lines
from perijove.hub.pages import spawn_failure, spawn_form
from perijove.hub.people import is_administrator
from perijove.hub.private import free_port
from perijove.hub.rooms import ROOM_SCOPES, account_name, is_room
from perijove.hub.services import LAB_SCOPES
from perijove.sandbox import connect_launcher
from perijove.sandbox.launcher import Launcher
from perijove.sandbox.spec import SandboxStatus

_Result = TypeVar("_Result")
# A lab that ends is noticed at once; one that is only slow, on a crowded machine, is waited for.
START_TIMEOUT = 300
POLL_SECONDS = 10
_ASK_AGAIN = 0.1


def update_spawner(c: Any, settings: Settings) -> None:
    """Labs are started by `PerijoveSpawner` and reach the hub by the front door."""
    c.JupyterHub.spawner_class = PerijoveSpawner
    c.PerijoveSpawner.settings = settings
    c.PerijoveSpawner.server_token_scopes = _token_scopes
    c.PerijoveSpawner.hub_connect_url = FRONT_DOOR
    c.PerijoveSpawner.default_url = "/lab"
    c.PerijoveSpawner.ip = "127.0.0.1"
    c.PerijoveSpawner.env_keep = []
    c.PerijoveSpawner.start_timeout = START_TIMEOUT
    c.PerijoveSpawner.http_timeout = START_TIMEOUT
    c.PerijoveSpawner.poll_interval = POLL_SECONDS


class LabRefusedError(SpawnException):  # type: ignore[misc]
    """A lab does not start; the page says why and what to do."""

    def __init__(self, message: str, *, reason: str, status: int, advice: str = "", log: str = "") -> None:
        super().__init__(f"{message} {advice}".strip(), reason=reason, status_code=status)
        self.message_html = spawn_failure(message, advice, log)
        self.jupyterhub_message = self.message
        self.jupyterhub_html_message = self.message_html


class PerijoveSpawner(Spawner):  # type: ignore[misc]
    """One lab. Its state names the sandbox; the launcher knows the rest, also after a kill -9 of the hub."""

    settings = Instance(Settings, help="Perijove's settings").tag(config=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sandbox_id = ""
        self.host_port = 0
        self.held: dict[str, Any] = {}
        self._messages: list[dict[str, Any]] = []
        self.options_form = self.flavor_form
        self.apply_user_options = _keep_for_start

    # -- what may be chosen

    async def machine(self) -> Machine:
        """What is free now and who holds the rest."""
        return await self._ask(_look_at_machine)

    async def flavor_form(self, spawner: Any) -> str:
        """The form of the start page."""
        try:
            machine = await self.machine()
        except PerijoveError as error:
            return spawn_form(offers=[], machine=None, error=error)
        return spawn_form(offers=self.offers(machine), machine=machine)

    def offers(self, machine: Machine) -> list[Offer]:
        """The flavors that this user may choose, as they are now."""
        known = offered_flavors(self.settings.flavors, machine.total)
        mine = offer.allowed_flavors(known, self._groups(), admin=is_administrator(self.user))
        last = (self.orm_spawner.user_options or {}).get("flavor") if self.orm_spawner else None
        return offer.offers(mine, machine, last)

    def options_from_form(self, form_data: dict[str, list[str]]) -> dict[str, Any]:
        """`{"flavor": name}`; the same that the API takes. Checked at the start, for both alike."""
        return {"flavor": name} if (name := form_data.get("flavor", [""])[0]) else {}

    def options_from_query(self, query_data: dict[str, list[str]]) -> dict[str, Any]:
        """As the form."""
        return self.options_from_form(query_data)

    def _groups(self) -> set[str]:
        return {group.name for group in self.user.groups}

    def _chosen(self, known: tuple[Flavor, ...]) -> Flavor:
        name = self.user_options.get("flavor")
        name = name[0] if isinstance(name, list) and name else name
        admin = is_administrator(self.user)
        return offer.choose_flavor(known, str(name) if name else None, self._groups(), admin=admin)

    # -- start, poll, stop

    async def start(self) -> str:
        """Start the lab and wait until it answers. What prevents it is told to the user, with advice."""
        self._messages = []
        try:
            return await self._start()
        except LabRefusedError:
            raise
        except PerijoveError as error:
            raise _refusal(error) from error
        except Exception as error:
            self.log.exception("Starting a lab failed in a way nobody foresaw")
            raise LabRefusedError(
                "Your lab could not be started.",
                reason="unforeseen",
                status=500,
                advice="Try again; if it happens again, tell an administrator: the hub's log has the cause.",
            ) from error

    async def _start(self) -> str:
        self._say(5, "Looking for free resources")
        machine = await self.machine()
        known = offered_flavors(self.settings.flavors, machine.total)
        flavor = self._chosen(known)
        await self._end_leftovers(machine)
        lab = await self._new_lab(flavor)
        self._say(15, f"Starting {flavor.title or flavor.name}: {flavor.resources}")
        status = await self._launch(lab, known)
        self.held = {
            "flavor": flavor.title or flavor.name,
            "resources": str(flavor.resources),
            "gpus": list(status.gpus),
        }
        self._remember()
        self._say(40, "JupyterLab is starting")
        await self._until_it_answers(lab)
        self._say(90, "Your lab is ready")
        return f"http://127.0.0.1:{lab.host_port}"

    async def _new_lab(self, flavor: Flavor) -> Lab:
        owner = account_name(self.user.name, self.name) if is_room(self.name) else self.user.name
        account = await self._ask(lambda launcher: launcher.account(owner))
        confined = await self._ask(lambda launcher: launcher.confines)
        self.sandbox_id = lab_prefix(self.user.name, self.name) + secrets.token_hex(4)
        self.host_port = free_port()
        # Before the process exists: a hub killed in the middle finds the lab again.
        self._remember()
        return Lab(
            id=self.sandbox_id,
            owner=owner,
            account=account,
            flavor=flavor,
            host_port=self.host_port,
            confined=confined,
            room=is_room(self.name),
        )

    async def _launch(self, lab: Lab, known: tuple[Flavor, ...]) -> SandboxStatus:
        self.port = lab.place.port
        spec = lab_spec(self.settings, lab, self.get_env())
        try:
            return await self._ask(lambda launcher: launcher.start(spec))
        except InsufficientResourcesError as error:
            advice = offer.advise(lab.flavor, known, await self.machine(), error)
            title = lab.flavor.title or lab.flavor.name
            raise InsufficientResourcesError(
                f"{title} ({lab.flavor.resources}) cannot be had now.", advice=advice
            ) from error

    async def _end_leftovers(self, machine: Machine) -> None:
        """A start that the hub did not live to see the end of must not hold resources for ever."""
        prefix = lab_prefix(self.user.name, self.name)
        for left in [status for status in machine.running if status.id.startswith(prefix)]:
            self.log.warning("Ending %s, left over from an earlier start", left.id)
            await self._ask(partial(_stop, sandbox_id=left.id))

    async def _until_it_answers(self, lab: Lab) -> None:
        url = f"http://127.0.0.1:{lab.host_port}{self.server.base_url}api"
        client = AsyncHTTPClient()
        next_look = time.monotonic() + 1
        while not await _answers(client, url):
            if time.monotonic() >= next_look:
                await self._check_alive(lab.id)
                next_look = time.monotonic() + 1
            await asyncio.sleep(_ASK_AGAIN)

    async def _check_alive(self, sandbox_id: str) -> None:
        status = await self._ask(lambda launcher: launcher.status(sandbox_id))
        if status.state == "running":
            return
        log = await asyncio.to_thread(self._log_tail, lab_log(self.settings, sandbox_id))
        self.log.error("Lab %s ended while it started (%s): %s", sandbox_id, _end_of(status), log)
        raise LabRefusedError(
            f"Your lab ended while it started: {_end_of(status)}.",
            reason="lab-ended",
            status=500,
            advice=_advice_for(status),
            log=log,
        )

    def _log_tail(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - 20_000))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        return last_lines(text, (self.api_token,))

    async def poll(self) -> int | None:
        """None while the lab runs. A launcher that does not answer says nothing about the lab: it goes on."""
        if not self.sandbox_id:
            return 0
        try:
            status = await self._ask(lambda launcher: launcher.status(self.sandbox_id))
        except NotFoundError:
            return 0
        except PerijoveError as error:
            self.log.warning("Cannot ask about %s, taking it as running: %s", self.sandbox_id, error)
            return None
        if status.state == "running":
            return None
        self.log.info("Lab %s has ended: %s", self.sandbox_id, _end_of(status))
        return status.exit_code if status.exit_code is not None else 1

    async def stop(self, now: bool = False) -> None:
        """End the lab and give back what it held."""
        if self.sandbox_id:
            await self._ask(partial(_stop, sandbox_id=self.sandbox_id, grace=0.5 if now else 10.0))

    async def get_url(self) -> str:
        """Where the lab answers; asked after a restart of the hub."""
        return f"http://127.0.0.1:{self.host_port}{self.server.base_url}"

    # -- state and environment

    def get_state(self) -> dict[str, Any]:
        """What finds the lab again."""
        state = super().get_state()
        if self.sandbox_id:
            state.update(sandbox_id=self.sandbox_id, host_port=self.host_port, held=self.held)
        return dict(state)

    def load_state(self, state: dict[str, Any]) -> None:
        """After a restart of the hub."""
        super().load_state(state)
        self.sandbox_id = state.get("sandbox_id", "")
        self.host_port = state.get("host_port", 0)
        self.held = state.get("held", {})

    def clear_state(self) -> None:
        """The lab has ended."""
        super().clear_state()
        self.sandbox_id, self.host_port, self.held = "", 0, {}

    def get_env(self) -> dict[str, str]:
        """JupyterHub's variables; those about the place are laid over them in `lab.lab_environment`."""
        return {key: str(value) for key, value in super().get_env().items()}

    def _remember(self) -> None:
        self.orm_spawner.state = self.get_state()
        if (session := object_session(self.orm_spawner)) is not None:
            session.commit()

    # -- progress

    def _say(self, percent: int, message: str) -> None:
        self._messages.append({"progress": percent, "message": message})

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """What the start is doing, for the waiting page."""
        told = 0
        while True:
            for event in self._messages[told:]:
                told += 1
                yield event
            await asyncio.sleep(0.2)

    async def _ask(self, question: Callable[[Launcher], _Result]) -> _Result:
        """Put a question to the launcher in a thread; what goes wrong comes as a PerijoveError."""
        return await asyncio.to_thread(lambda: question(_connected(self.settings)))


_launchers: dict[Path, Launcher] = {}


def _connected(settings: Settings) -> Launcher:
    """One connection for all spawners of this hub."""
    if settings.home not in _launchers:
        _launchers[settings.home] = connect_launcher(settings)
    return _launchers[settings.home]


def _look_at_machine(launcher: Launcher) -> Machine:
    running = tuple(status for status in launcher.list() if status.state == "running")
    return Machine(total=launcher.total(), free=launcher.free(), running=running)


def _stop(launcher: Launcher, *, sandbox_id: str, grace: float = 10.0) -> None:
    try:
        launcher.stop(sandbox_id, grace=grace)
        launcher.forget(sandbox_id)
    except NotFoundError:
        return
    except ConflictError:
        return


def _token_scopes(spawner: PerijoveSpawner) -> list[str]:
    return ROOM_SCOPES if is_room(spawner.name) else LAB_SCOPES


def _keep_for_start(spawner: PerijoveSpawner, options: dict[str, Any]) -> None:
    """The flavor is looked up when the lab starts, when it is known what there is."""


async def _answers(client: AsyncHTTPClient, url: str) -> bool:
    try:
        await client.fetch(url, request_timeout=10, follow_redirects=False)
    except HTTPClientError as error:
        return error.code < 500
    except (OSError, EOFError):
        return False
    return True


def _end_of(status: SandboxStatus) -> str:
    if status.out_of_memory:
        return "it needed more memory than its flavor has"
    if status.process_limit_hit:
        return "it reached the limit of processes"
    if status.state == "lost":
        return "it was killed from outside"
    return f"exit code {status.exit_code}"


def _advice_for(status: SandboxStatus) -> str:
    if status.out_of_memory:
        return "Choose a flavor with more memory."
    return "Try again; if it happens again, show the lines below to an administrator."


def _refusal(error: PerijoveError) -> LabRefusedError:
    lacks = isinstance(error, ConfinementError) and not error.advice
    advice = "Ask an administrator to run `perijove doctor`." if lacks else error.advice
    return LabRefusedError(error.message, reason=type(error).__name__, status=error.status, advice=advice)
