"""A real front door for tests: launcher, proxy and hub as in production, and visitors who use them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import requests
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from perijove.core.settings import Settings, load_settings
from perijove.hub import run
from perijove.hub.client import HubClient
from perijove.hub.private import Owner
from perijove.hub.run import ProcessSpec
from perijove.sandbox import connect_launcher

_FIELD = re.compile(r'name="_xsrf" value="([^"]+)"')
PATIENCE = 300.0


def wait_until(condition: Any, *, timeout: float = PATIENCE, what: str = "the condition") -> Any:
    """The first true value of `condition()`; TimeoutError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true within {timeout:g} s")
        time.sleep(0.2)
    return value


def make_home(home: Path, environments: Path, toml: str = "") -> None:
    """A `PERIJOVE_HOME` with environments of another one, but not `ai`, hard-linked if possible.

    Its labs have the kernel of their own environment: the AI one of the other home is not theirs to see.
    """
    home.mkdir(parents=True, exist_ok=True)
    for name in ("lab", "proxy", "tools"):
        target = home / "envs" / name
        if not target.exists() and (environments / name).exists():
            _link_tree(environments / name, target)
    _use_own_kernel(home / "envs" / "lab")
    (home / "perijove.toml").write_text(toml)


def _link_tree(source: Path, target: Path) -> None:
    def link(one: str, other: str) -> None:
        try:
            os.link(one, other, follow_symlinks=False)
        except OSError:
            shutil.copy2(one, other, follow_symlinks=False)

    shutil.copytree(source, target, symlinks=True, copy_function=link)


def _use_own_kernel(lab: Path) -> None:
    for path in lab.glob("share/jupyter/kernels/*/kernel.json"):
        spec = json.loads(path.read_text())
        spec["argv"][0] = str(lab / "bin" / "python")
        path.unlink()  # a link: the other home's must stay as it is
        path.write_text(json.dumps(spec))


def settings_of(home: Path, **values: Any) -> Settings:
    """The settings as the hub itself will read them."""
    before = os.environ.get("PERIJOVE_HOME")
    os.environ["PERIJOVE_HOME"] = str(home)
    try:
        return load_settings(**values)
    finally:
        if before is None:
            del os.environ["PERIJOVE_HOME"]
        else:
            os.environ["PERIJOVE_HOME"] = before


class FrontDoor:
    """Launcher, proxy and hub on one home; with `owner`, hub and proxy run as that account."""

    def __init__(self, settings: Settings, owner: Owner | None = None) -> None:
        self.settings = settings
        self._owner = owner
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        """The front door's address."""
        return self.settings.url

    @property
    def client(self) -> HubClient:
        """The administration's way in."""
        return HubClient(self.settings, timeout=PATIENCE)

    def start(self) -> Self:
        """Everything, in order; returns when the hub answers."""
        run.prepare(self.settings, self._owner)
        if self._owner is not None:
            self.start_launcher()
        self.start_proxy()
        if (door := run.tls_process(self.settings)) is not None:
            self._start(door)
        self.start_hub()
        return self

    def start_proxy(self) -> None:
        """The proxy alone; it learns from the hub where labs are."""
        self._start(run.proxy_process(self.settings))

    def stop_proxy(self, how: signal.Signals = signal.SIGTERM) -> None:
        """The proxy alone: nobody reaches anything; labs go on."""
        self._end("proxy", how)

    def start_hub(self) -> None:
        """The hub alone; returns when it answers."""
        self._start(run.hub_process(self.settings))

    def start_histories(self) -> None:
        """The history server behind the front door; returns when it answers."""
        variables = run.galaxy_environment(self.settings)
        environment = {"PERIJOVE_HOME": str(self.settings.home), "PERIJOVE_PORT": str(self.settings.port)}
        argv = (sys.executable, "-m", "perijove.histories")
        self._popen("histories", argv, self.settings.home, {**environment, **variables}, owner=self._owner)
        version = f"{self.settings.galaxy_url}/api/version"
        wait_until(lambda: _status(version) == 200, what="the history server")

    def stop_histories(self, how: signal.Signals = signal.SIGTERM) -> None:
        """The history server alone; returns when it has ended."""
        self._end("histories", how)

    def stop_hub(self, how: signal.Signals = signal.SIGTERM) -> None:
        """The hub alone; returns when it has ended."""
        self._end("hub", how)

    def stop_launcher(self) -> None:
        """The launcher alone; labs go on."""
        self._end("launcher", signal.SIGTERM)
        (self.settings.layout.run / "launcher.sock").unlink(missing_ok=True)

    def pid(self, name: str) -> int:
        """The process id of one of the processes."""
        return self._running[name].pid

    def log(self, name: str) -> str:
        """What one of the processes wrote."""
        return (self.settings.layout.logs / f"{name}.log").read_text(errors="replace")

    def close(self) -> None:
        """End the processes and every lab."""
        for name in ("histories", "hub", "door", "proxy"):
            if name in self._running:
                self._end(name, signal.SIGTERM)
        launcher = connect_launcher(self.settings)
        for status in launcher.list():
            launcher.stop(status.id, grace=1)
            launcher.forget(status.id)
        if "launcher" in self._running:
            self._end("launcher", signal.SIGTERM)

    def start_launcher(self) -> None:
        """The launcher alone."""
        argv = (sys.executable, "-m", "perijove.sandbox.daemon")
        environment = {"PERIJOVE_HOME": str(self.settings.home)}
        self._popen("launcher", argv, self.settings.home, environment, owner=None)
        socket = self.settings.layout.run / "launcher.sock"
        wait_until(socket.exists, what="the launcher's socket")

    def _start(self, spec: ProcessSpec) -> None:
        process = self._popen(spec.name, spec.argv, spec.cwd, dict(spec.env), owner=self._owner)
        wait_until(lambda: _answers(spec.ready_url) or process.poll() is not None, what=spec.name)
        if process.poll() is not None:
            raise RuntimeError(f"{spec.name} ended:\n{self.log(spec.name)[-4000:]}")

    def _popen(
        self, name: str, argv: tuple[str, ...], cwd: Path, environment: dict[str, str], owner: Owner | None
    ) -> subprocess.Popen[bytes]:
        account = {"user": owner[0], "group": owner[1], "extra_groups": []} if owner else {}
        with (self.settings.layout.logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                argv,
                cwd=cwd,
                env={**os.environ, "HOME": str(cwd), **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
                **account,  # type: ignore[call-overload]
            )
        return self._running[name]

    def _end(self, name: str, how: signal.Signals) -> None:
        process = self._running.pop(name)
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def _answers(url: str) -> bool:
    return _status(url) < 500


def _status(url: str) -> int:
    try:
        return requests.get(url, timeout=5).status_code
    except requests.RequestException:
        return 599


@contextmanager
def front_door(settings: Settings, owner: Owner | None = None) -> Iterator[FrontDoor]:
    """A running front door; its labs end with it."""
    door = FrontDoor(settings, owner)
    try:
        yield door.start()
    finally:
        door.close()


class Visitor:
    """Somebody with a browser, without the browser: cookies, forms, redirects."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Connection"] = "close"

    def get(self, path: str, **options: Any) -> requests.Response:
        """A page, redirects followed."""
        return self.session.get(self.url + path, timeout=PATIENCE, **options)

    def post_form(self, path: str, page: str | None = None, **fields: str) -> requests.Response:
        """Fill in the form of `page` (where it differs from `path`) and send it."""
        found = _FIELD.search(self.get(page or path).text)
        token = found.group(1) if found else self.session.cookies.get("_xsrf", path="/hub/") or ""
        return self.session.post(self.url + path, data={"_xsrf": token, **fields}, timeout=PATIENCE)

    def sign_up(self, name: str, password: str) -> requests.Response:
        """Ask for access."""
        fields = {"username": name, "signup_password": password, "signup_password_confirmation": password}
        return self.post_form("/hub/signup", **fields)

    def sign_in(self, name: str, password: str) -> requests.Response:
        """Name and password."""
        return self.post_form("/hub/login", username=name, password=password)

    def use_link(self, link: str, name: str, password: str) -> requests.Response:
        """A one-time link, as the page's script does it."""
        token = link.partition("#")[2]
        fields = {"token": token, "username": name, "password": password, "confirmation": password}
        return self.post_form("/hub/welcome", **fields)

    def start_lab(self, flavor: str = "", server: str = "") -> requests.Response:
        """Send the start page's form. The answer is the waiting page, or what went wrong."""
        path = f"/hub/spawn/{self.name}/{server}" if server else f"/hub/spawn/{self.name}"
        self.get(path)
        return self.session.post(
            self.url + path,
            params={"_xsrf": self.session.cookies.get("_xsrf", path="/hub/")},
            data={"flavor": flavor} if flavor else {},
            timeout=PATIENCE,
        )

    @property
    def name(self) -> str:
        """Who is signed in."""
        return str(self.get("/hub/api/user", headers={"Referer": f"{self.url}/hub/home"}).json()["name"])

    def wait_for_lab(self, server: str = "") -> str:
        """The path of the lab, as soon as it answers; this visitor is signed in to it."""
        base = f"/user/{self.name}/{server}".rstrip("/")
        deadline = time.monotonic() + PATIENCE
        while not self._is_in(answer := self.get(f"{base}/lab")):
            failed = "spawn-failure" in answer.text
            if failed or time.monotonic() > deadline:
                raise TimeoutError(
                    f"no lab at {base}: {answer.status_code} {answer.url}\n{answer.text[-3000:]}"
                )
            time.sleep(0.5)
        return base

    @staticmethod
    def _is_in(answer: requests.Response) -> bool:
        return answer.ok and "/hub/" not in answer.url

    def lab_api(self, base: str, method: str, path: str, **options: Any) -> requests.Response:
        """The lab's REST API with the cookies of this visitor."""
        token = self.session.cookies.get("_xsrf", path=f"{base}/") or ""
        headers = {"X-XSRFToken": token, "Referer": f"{self.url}{base}/lab"}
        url = f"{self.url}{base}/api/{path}"
        return self.session.request(method, url, headers=headers, timeout=PATIENCE, **options)

    def new_kernel(self, base: str) -> str:
        """The id of a new kernel in the lab."""
        answer = self.lab_api(base, "POST", "kernels", json={})
        answer.raise_for_status()
        return str(answer.json()["id"])

    def execute(self, base: str, kernel: str, code: str, timeout: float = PATIENCE) -> str:
        """What a cell with this code prints or gives, by the kernel's websocket through the proxy."""
        return asyncio.run(asyncio.wait_for(self._execute(base, kernel, code), timeout))

    def submit(self, base: str, kernel: str, code: str) -> None:
        """Send a cell and leave without waiting for it."""
        asyncio.run(self._submit(base, kernel, code))

    async def _submit(self, base: str, kernel: str, code: str) -> None:
        connection = await self._connect(f"{base}/api/kernels/{kernel}/channels", base)
        message = _execute_request(code)
        await connection.write_message(json.dumps(message))
        await _until_busy(connection, message["header"]["msg_id"])
        await _close(connection)

    def type_in_terminal(self, base: str, terminal: str, text: str) -> None:
        """Type into a terminal and leave."""
        asyncio.run(self._type(base, terminal, text))

    async def _type(self, base: str, terminal: str, text: str) -> None:
        connection = await self._connect(f"{base}/terminals/websocket/{terminal}", base)
        await connection.write_message(json.dumps(["stdin", text]))
        await asyncio.sleep(2)
        await _close(connection)

    async def _connect(self, path: str, base: str) -> Any:
        request = requests.Request("GET", f"{self.url}{base}/x").prepare()
        cookies = requests.cookies.get_cookie_header(self.session.cookies, request) or ""  # type: ignore[no-untyped-call]
        headers = {"Cookie": cookies, "Origin": self.url}
        return await websocket_connect(HTTPRequest(self.url.replace("http", "ws", 1) + path, headers=headers))

    async def _execute(self, base: str, kernel: str, code: str) -> str:
        connection = await self._connect(f"{base}/api/kernels/{kernel}/channels", base)
        message = _execute_request(code)
        await connection.write_message(json.dumps(message))
        try:
            return await _collect(connection, message["header"]["msg_id"])
        finally:
            await _close(connection)


async def _close(connection: Any) -> None:
    """Say goodbye and wait for the answer, so that no socket is left behind."""
    connection.close()
    while await connection.read_message() is not None:
        continue
    await asyncio.sleep(0.05)


def _execute_request(code: str) -> dict[str, Any]:
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "session": uuid.uuid4().hex,
        "username": "",
        "version": "5.3",
    }
    content = {
        "code": code,
        "silent": False,
        "store_history": False,
        "user_expressions": {},
        "allow_stdin": False,
    }
    return {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}


async def _until_busy(connection: Any, parent: str) -> None:
    while (text := await connection.read_message()) is not None:
        message = json.loads(text)
        if message["msg_type"] == "execute_input" and message["parent_header"].get("msg_id") == parent:
            return
    raise ConnectionError("the kernel's websocket ended")


async def _collect(connection: Any, parent: str) -> str:
    output = ""
    while (text := await connection.read_message()) is not None:
        message = json.loads(text)
        if message["parent_header"].get("msg_id") != parent:
            continue
        content = message["content"]
        if message["msg_type"] == "stream":
            output += content["text"]
        elif message["msg_type"] == "execute_result":
            output += content["data"]["text/plain"]
        elif message["msg_type"] == "error":
            output += f"{content['ename']}: {content['evalue']}"
        elif message["msg_type"] == "status" and content["execution_state"] == "idle":
            return output
    raise ConnectionError("the kernel's websocket ended")
