"""What a lab's process gets: the description handed to the launcher. No hub and no disk here."""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from perijove.core.flavors import Flavor
from perijove.core.layout import Layout
from perijove.core.settings import Settings
from perijove.hub.proxy import door_address
from perijove.sandbox.spec import Account, Inbound, Mount, Outbound, SandboxSpec

FRONT_DOOR_PORT = 45300
FRONT_DOOR = f"http://127.0.0.1:{FRONT_DOOR_PORT}"
INSIDE_HOME = Path("/home/jovyan")
INSIDE_PORT = 8888
# Below the environments, which every sandbox sees.
LAB_CONFIG = Path("share/lab-config")
NOTEBOOKS = Path("share/notebooks")
_PACKAGED_CONFIG = Path(__file__).parent / "lab_config"
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a lab finds itself: its home and the port it listens on, as it sees them."""

    home: Path
    port: int


@dataclass(frozen=True, kw_only=True)
class Lab:
    """One start of one lab."""

    id: str
    owner: str
    account: Account
    flavor: Flavor
    host_port: int
    confined: bool
    room: bool = False
    """Shared with others: it is given no key to its owner's histories."""

    @property
    def place(self) -> Place:
        """Inside a sandbox everybody has the same home and port; without one, the real ones."""
        if self.confined:
            return Place(home=INSIDE_HOME, port=INSIDE_PORT)
        return Place(home=self.account.home, port=self.host_port)


def lab_prefix(owner: str, server: str) -> str:
    """What the ids of all starts of one lab begin with; nothing in it can be chosen by the user."""
    return f"lab-{sha256(f'{owner}/{server}'.encode()).hexdigest()[:16]}-"


def lab_spec(settings: Settings, lab: Lab, environment: dict[str, str]) -> SandboxSpec:
    """The confined process. `environment` is what JupyterHub gives; it holds the lab's token."""
    host, port = door_address(settings)
    return SandboxSpec(
        id=lab.id,
        kind="lab",
        owner=lab.owner,
        uid=lab.account.uid,
        gid=lab.account.gid,
        argv=lab_argv(settings),
        image=settings.hub.lab_image,
        env={**environment, **lab_environment(settings, lab, environment["JUPYTERHUB_API_TOKEN"])},
        cwd=lab.place.home,
        mounts=lab_mounts(settings, lab),
        resources=lab.flavor.resources,
        processes=settings.sandbox.processes,
        tmp_size=settings.sandbox.tmp_size,
        network=settings.sandbox.network,
        inbound=(Inbound(host_port=lab.host_port, port=lab.place.port),),
        outbound=(Outbound(port=FRONT_DOOR_PORT, host=host, host_port=port),),
        log=lab_log(settings, lab.id),
    )


def lab_argv(settings: Settings) -> tuple[str, ...]:
    """`-s`: what a user installs for notebooks cannot break the lab itself. An image starts its own lab."""
    if settings.hub.lab_image:
        return ("tini", "-g", "--", "perijove-start", "--folder", str(INSIDE_HOME))
    return (str(lab_bin(settings) / "python"), "-s", "-m", "jupyterhub.singleuser")


def lab_bin(settings: Settings) -> Path:
    """Programs of the lab's own environment."""
    return settings.layout.environments / "lab" / "bin"


def lab_log(settings: Settings, lab_id: str) -> Path:
    """Where standard output and error of this start go."""
    return settings.layout.logs / f"{lab_id}.log"


def lab_mounts(settings: Settings, lab: Lab) -> tuple[Mount, ...]:
    """The home, and read-only at the same path as outside every environment, our own files among them.

    An image has environments and files of its own.
    """
    environments = settings.layout.environments
    home = Mount(source=lab.account.home, target=INSIDE_HOME, writable=True)
    if settings.hub.lab_image:
        return (home,)
    return (home, Mount(source=environments, target=environments))


def publish(layout: Layout) -> None:
    """Put what labs read of ours where sandboxes may see it, among the environments; whole or not at all."""
    for name, source in ((LAB_CONFIG, _PACKAGED_CONFIG), (NOTEBOOKS, layout.root / "notebooks")):
        if source.is_dir():
            _replace(source, layout.environments / name)


def _replace(source: Path, target: Path) -> None:
    new, old = target.with_name(f".{target.name}.new"), target.with_name(f".{target.name}.old")
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, new, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (target.parent, new, *new.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def lab_environment(settings: Settings, lab: Lab, token: str) -> dict[str, str]:
    """What every lab finds in its environment; Galaxy's names are those of its interactive tools."""
    return {
        **_machine_variables(lab),
        **_galaxy_variables("" if lab.room else token),
        **_activity_variables(settings),
        # An image names its own.
        **({} if settings.hub.lab_image else _program_variables(settings, lab)),
    }


def _program_variables(settings: Settings, lab: Lab) -> dict[str, str]:
    return {
        "PATH": f"{lab.place.home}/.local/bin:{lab_bin(settings)}:{_SYSTEM_PATH}",
        "JUPYTER_CONFIG_PATH": str(settings.layout.environments / LAB_CONFIG),
        "JUPYTER_PATH": ":".join(str(path) for path in kernel_paths(settings)),
        "PERIJOVE_WEIGHTS": str(settings.layout.weights),
        "PERIJOVE_NOTEBOOKS": str(settings.layout.environments / NOTEBOOKS),
    }


def kernel_paths(settings: Settings) -> list[Path]:
    """Where kernelspecs and their widgets' JavaScript lie: beside each environment's Python."""
    found = sorted(settings.layout.environments.glob("*/share/jupyter"))
    return [path for path in found if path.parts[-3] not in ("lab", "platform", "tools")]


def _machine_variables(lab: Lab) -> dict[str, str]:
    resources = lab.flavor.resources
    home = str(lab.place.home)
    return {
        "HOME": home,
        "USER": "jovyan" if lab.confined else lab.account.name,
        "LOGNAME": "jovyan" if lab.confined else lab.account.name,
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "PERIJOVE_FLAVOR": lab.flavor.name,
        "CPU_LIMIT": f"{resources.cpus:g}",
        "MEM_LIMIT": str(resources.memory),
        # Libraries count the machine's CPUs, not those granted.
        "OMP_NUM_THREADS": str(max(1, math.ceil(resources.cpus))),
    }


def _activity_variables(settings: Settings) -> dict[str, str]:
    """Where labs are ended for idleness, they must report often enough to be known as working."""
    idle = settings.hub.idle_timeout
    return {"JUPYTERHUB_ACTIVITY_INTERVAL": str(max(5, min(300, idle // 4)))} if idle else {}


def _galaxy_variables(token: str) -> dict[str, str]:
    url = f"{FRONT_DOOR}/services/galaxy"
    return {
        "GALAXY_URL": url,
        "REMOTE_HOST": url,
        "GALAXY_WEB_PORT": str(FRONT_DOOR_PORT),
        "API_KEY": token,
        "HISTORY_ID": "",
    }


_NOISE = re.compile(r"^\s*$|DeprecationWarning|^\[I ")


def last_lines(text: str, secrets: tuple[str, ...], count: int = 12) -> str:
    """The end of a log, short enough for a page and without the lab's secrets."""
    lines = [line for line in text.splitlines() if not _NOISE.search(line)] or text.splitlines()
    tail = "\n".join(line[:300] for line in lines[-count:])
    for secret in filter(None, secrets):
        tail = tail.replace(secret, "…")
    return tail
