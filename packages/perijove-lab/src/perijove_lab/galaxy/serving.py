"""JupyterLab as a child of the tool's process, which keeps what the user makes until the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from types import FrameType

from perijove_lab.container.serve import ROOT
from perijove_lab.galaxy import door
from perijove_lab.galaxy.kept import Kept
from perijove_lab.runner.errors import SpecError

LAB_PYTHON = "PERIJOVE_LAB_PYTHON"
_AUTOSAVE = 10  # seconds; Galaxy gives a lab that is stopped one second
_SETTINGS = {
    "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": _AUTOSAVE},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}


def serve(entrance: door.Entrance, folder: Path, here: Path, kept: Kept) -> int:
    """Serve `folder` until the user or Galaxy ends it; 0, or the exit code of a lab that failed."""
    plain = os.environ.get(LAB_PYTHON, "")
    port = door.free_port() if plain else door.PORT
    command = [
        *_command(plain, port),
        f"--ServerApp.base_url={entrance.base_url}",
        "--ServerApp.allow_remote_access=True",  # the browser names the proxy's host
        f"--ServerApp.root_dir={folder}",
    ]
    stopped, ended = threading.Event(), threading.Event()
    with subprocess.Popen(
        command, cwd=folder, env=_environment(entrance, here), stdin=subprocess.DEVNULL
    ) as lab:

        def end(_number: int, _frame: FrameType | None) -> None:
            stopped.set()
            lab.terminate()

        signal.signal(signal.SIGTERM, end)
        if plain:
            door.tell_galaxy(here, port)
        keeper = threading.Thread(target=kept.keeping, args=(ended,), daemon=True)
        keeper.start()
        code = _outlived(lab, stopped, kept)
        ended.set()
        keeper.join(timeout=30)
    return 0 if stopped.is_set() else abs(code)


def _outlived(lab: subprocess.Popen[bytes], stopped: threading.Event, kept: Kept) -> int:
    """The lab's exit code; what there is was kept before that, at once where Galaxy stops it."""
    while lab.poll() is None:
        try:
            lab.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            if stopped.is_set():
                kept.keep()
    return lab.returncode


def _command(plain: str, port: int) -> list[str]:
    """JupyterLab: the environment's that is named, else the image's."""
    program = Path(plain) if plain else ROOT / "envs" / "lab" / "bin" / "python"
    if not program.is_file():
        raise SpecError(
            "There is no lab here.",
            advice=f"Run the tool in the image of `perijove image build`, or set {LAB_PYTHON}.",
        )
    return [
        str(program),
        *("-s", "-m", "jupyterlab", "--ServerApp.open_browser=False"),
        f"--ServerApp.ip={'127.0.0.1' if plain else '0.0.0.0'}",  # noqa: S104 (a container's own network)
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        *(["--ServerApp.allow_root=True"] if os.geteuid() == 0 else []),
    ]


def _environment(entrance: door.Entrance, here: Path) -> dict[str, str]:
    """The token in a variable of the lab alone: every account sees a command line."""
    settings = here / "lab-config"
    (settings / "labconfig").mkdir(parents=True, exist_ok=True)
    (settings / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(_SETTINGS))
    given = os.environ.get("JUPYTER_CONFIG_PATH", "")
    kept = {name: value for name, value in os.environ.items() if name != door.VARIABLE}
    home = kept.get("HOME", "")
    return {
        **kept,
        "HOME": home if os.access(home or "/nonexistent", os.W_OK) else str(here),
        "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, [str(settings), given])),
        "JUPYTER_RUNTIME_DIR": str(here / "runtime"),
        "JUPYTER_TOKEN": entrance.token,
    }
