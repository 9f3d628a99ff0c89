"""Start and idle memory of a lab, against JupyterHub's own simple spawner with the same environment."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from benchmarks.measure import Row
from benchmarks.platform import Platform
from perijove.core.settings import load_settings
from perijove.hub.private import read_secrets
from perijove.hub.proxy import proxy_command

TURNS = 3
SIMPLE = """
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.bind_url = "http://127.0.0.1:{front}"
c.JupyterHub.hub_port = {hub}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy}"
c.ConfigurableHTTPProxy.command = {proxy_command!r}
c.JupyterHub.services = [{{"name": "bench", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [
    {{"name": "bench", "services": ["bench"], "scopes": ["admin:users", "admin:servers"]}}
]
c.Spawner.cmd = [{single_user!r}, "--allow-root"]
c.Spawner.http_timeout = c.Spawner.start_timeout = 120
"""


@dataclass(frozen=True)
class Hub:
    """A hub's API and a token that may start servers."""

    api: str
    token: str

    def call(self, method: str, path: str) -> httpx.Response:
        """One request; an error status raises."""
        headers = {"Authorization": f"token {self.token}"}
        return httpx.request(method, f"{self.api}{path}", headers=headers, timeout=60).raise_for_status()

    def start(self, user: str) -> float:
        """Seconds from the request until the lab is ready."""
        begin = time.perf_counter()
        self.call("POST", f"/users/{user}/server")
        while not self.call("GET", f"/users/{user}").json()["servers"].get("", {}).get("ready"):
            time.sleep(0.05)
        return time.perf_counter() - begin

    def stop(self, user: str) -> None:
        """End the lab and wait for its end."""
        self.call("DELETE", f"/users/{user}/server")
        while "" in self.call("GET", f"/users/{user}").json()["servers"]:
            time.sleep(0.1)


def run(platform: Platform) -> list[Row]:
    """Start times (median) and the memory of one idle lab each, taken in turn."""
    ours = Hub(
        f"{platform.hub_url}/hub/api", read_secrets(load_settings().layout).admin_token.get_secret_value()
    )
    with simple_hub() as (simple, process):
        simple.call("POST", f"/users/{platform.user}")
        times: dict[str, list[float]] = {"ours": [], "simple": []}
        held: dict[str, float] = {}
        for _ in range(TURNS):
            for name, hub in (("ours", ours), ("simple", simple)):
                times[name].append(hub.start(platform.user))
                time.sleep(3)  # the lab's own work after its start
                held[name] = memory(keeper() if name == "ours" else single_user(process))
                hub.stop(platform.user)
    started = {name: sorted(values)[TURNS // 2] for name, values in times.items()}
    return [
        Row(
            "start of a lab", started["ours"], started["simple"], "s", "", "no slower than the simple spawner"
        ),
        Row(
            "memory of an idle lab (PSS)",
            held["ours"],
            held["simple"],
            "MiB",
            "keeper and network included",
            "",
        ),
    ]


def memory(root: psutil.Process) -> float:
    """Proportional set size, in MiB, of a process and all that it has started."""
    total = 0
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total / 2**20


def keeper() -> psutil.Process:
    """What holds the one lab of the platform: the lab, its network and its limits end with it."""
    place = str(load_settings().layout.sandboxes)
    found = [
        process
        for process in psutil.process_iter()
        if "perijove.sandbox.keeper" in (line := _line(process)) and place in line
    ]
    # A keeper's own children bear its command line until they become something else.
    return _only(process for process in found if process.ppid() not in {one.pid for one in found})


def single_user(hub: int) -> psutil.Process:
    """The one lab that a hub with the simple spawner has started."""
    children = psutil.Process(hub).children(recursive=True)
    return _only(one for one in children if "singleuser" in _line(one))


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def _only(found: Iterable[psutil.Process]) -> psutil.Process:
    (process,) = found
    return process


@contextmanager
def simple_hub() -> Iterator[tuple[Hub, int]]:
    """JupyterHub with its simple spawner, the platform's proxy and lab environment; and its process id."""
    settings = load_settings()
    ports = dict(zip(("front", "hub", "proxy"), _free_ports(3), strict=True))
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="perijove-bench-hub-") as folder:
        config = Path(folder) / "config.py"
        single_user = settings.layout.environments / "lab" / "bin" / "jupyterhub-singleuser"
        config.write_text(
            SIMPLE.format(
                **ports,
                token=token,
                single_user=str(single_user),
                proxy_command=proxy_command(settings),
            )
        )
        command = [sys.executable, "-m", "jupyterhub", "-f", str(config)]
        with Path(folder, "log").open("w") as log:
            hub = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            yield _ready(Hub(f"http://127.0.0.1:{ports['front']}/hub/api", token)), hub.pid
        except RuntimeError:
            print(Path(folder, "log").read_text(), file=sys.stderr)
            raise
        finally:
            hub.terminate()
            hub.wait(timeout=60)


def _ready(hub: Hub) -> Hub:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            hub.call("GET", "/users")
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return hub
    raise RuntimeError("JupyterHub with the simple spawner did not start")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
