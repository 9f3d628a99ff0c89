"""The command and the environment of a lab in a container; pure, so that they can be read and tested."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perijove_lab.container.errors import StartError
from perijove_lab.container.tokens import VARIABLES, Token

ROOT = Path("/opt/perijove")
PORT = 8888
# Of Jupyter's own options none may take away what guards the door.
_GUARDS = (
    "token",
    "password",
    "hashed_password",
    "disable_check_xsrf",
    "identity_provider_class",
    "authorizer_class",
)


@dataclass(frozen=True, kw_only=True)
class Start:
    """What was asked for."""

    folder: Path
    port: int = PORT
    ip: str = "0.0.0.0"  # noqa: S104 (a container's own network; the engine decides what of it is published)
    base_url: str = "/"
    extra: tuple[str, ...] = ()


def under_hub(environ: Mapping[str, str]) -> bool:
    """Whether a JupyterHub started this container."""
    return bool(environ.get("JUPYTERHUB_API_TOKEN"))


def place_is_given(environ: Mapping[str, str]) -> bool:
    """Whether whoever started the container has chosen a home: a hub or a Galaxy."""
    return under_hub(environ) or bool(environ.get("GALAXY_URL"))


def common_environment(environ: Mapping[str, str], home: Path, temporary: Path) -> dict[str, str]:
    """The environment that every lab has, whoever started it."""
    own = {"HOME": str(home), "TMPDIR": str(temporary), "USER": "jovyan", "LOGNAME": "jovyan"}
    kept = {name: value for name, value in environ.items() if name not in VARIABLES}
    defaults = {"SHELL": "/bin/bash", "LANG": "C.UTF-8", "TERM": "xterm-256color"}
    galaxy = {name: environ.get(name, "") for name in ("GALAXY_URL", "API_KEY", "HISTORY_ID")}
    return {**defaults, **galaxy, **kept, **own}


def hub_command(extra: tuple[str, ...]) -> list[str]:
    """`-s`: what a user installs for notebooks cannot break the lab itself."""
    return [_python(), "-s", "-m", "jupyterhub.singleuser", *extra]


def lab_command(start: Start, *, as_root: bool) -> list[str]:
    """JupyterLab by itself. The token is not in here: every account sees a command line.

    StartError for options that would open the lab.
    """
    refuse_open_doors(start.extra)
    return [
        _python(),
        *("-s", "-m", "jupyterlab"),
        f"--ServerApp.ip={start.ip}",
        f"--ServerApp.port={start.port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={start.folder}",
        f"--ServerApp.base_url={base_url(start.base_url)}",
        "--ServerApp.open_browser=False",
        *(["--ServerApp.allow_root=True"] if as_root else []),
        *start.extra,
    ]


def refuse_open_doors(extra: tuple[str, ...]) -> None:
    """StartError where an option of Jupyter's would change who may come in."""
    for option in extra:
        name = option.partition("=")[0].rpartition(".")[2].lstrip("-").replace("-", "_").lower()
        if name in _GUARDS:
            raise StartError(
                f"{option.partition('=')[0]} would change who may open this lab.",
                advice=f"Set the token by {VARIABLES[0]} or --token-file; it is never empty.",
            )


def lab_environment(environ: Mapping[str, str], token: Token) -> dict[str, str]:
    """`environ` with what JupyterLab takes its token from."""
    return {**environ, "JUPYTER_TOKEN": token.value}


def base_url(text: str) -> str:
    """With one slash at each end."""
    return f"/{text.strip('/')}/" if text.strip("/") else "/"


def address(start: Start, token: Token) -> str:
    """Where the lab is, as seen from the machine that published the port under its own number."""
    shown = f"?token={token.value}" if token.made_here else ""
    return f"http://127.0.0.1:{start.port}{base_url(start.base_url)}lab{shown}"


def _python() -> str:
    return os.fspath(ROOT / "envs" / "lab" / "bin" / "python")
