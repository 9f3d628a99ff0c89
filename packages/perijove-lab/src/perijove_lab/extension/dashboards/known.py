"""The programs that labs know how to start."""

from __future__ import annotations

import sys
from pathlib import Path

from perijove_lab.extension.dashboards.programs import Wanted, tools


def tensorboard(folder: Path) -> Wanted:
    """TensorBoard over the logs in and below `folder`."""

    def command(port: int, address: str) -> list[str]:
        return [
            *(str(tools() / "python"), "-P", "-m", "tensorboard.main"),
            *("--logdir", str(folder)),
            *("--host", "127.0.0.1", "--port", str(port)),
            *("--load_fast", "false", "--reload_interval", "10"),
        ]

    return Wanted("TensorBoard", folder, command)


def voila(root: Path) -> Wanted:
    """Voilà over all notebooks below `root`; one for the whole lab."""

    def command(port: int, address: str) -> list[str]:
        return [
            *(str(tools() / "python"), "-P", "-m", "voila", "--no-browser", str(root)),
            *(f"--port={port}", "--Voila.ip=127.0.0.1"),
            f"--Voila.base_url={address}/",
            f"--VoilaConfiguration.extension_denylist={_of_the_lab()}",
            "--MappingKernelManager.cull_idle_timeout=900",
            "--MappingKernelManager.cull_interval=60",
        ]

    return Wanted("Voilà", root, command, keeps_address=True)


def _of_the_lab() -> list[str]:
    """JupyterLab's extensions in the lab's environment: Voilà wants only the widgets of kernels."""
    place = Path(sys.prefix) / "share" / "jupyter" / "labextensions"
    found = [file.parent.relative_to(place).as_posix() for file in place.glob("**/package.json")]
    return [name for name in found if name.count("/") <= name.startswith("@")]
