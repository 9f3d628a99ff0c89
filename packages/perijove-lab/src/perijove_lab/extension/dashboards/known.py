"""The programs that labs know how to start."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from perijove_lab.extension.dashboards.job_logs import JobLogs
from perijove_lab.extension.dashboards.programs import Wanted, tools

TENSORBOARD = "TensorBoard"


def tensorboard(folder: Path) -> Wanted:
    """TensorBoard over the logs in and below `folder`."""

    def command(port: int, address: str) -> list[str]:
        return [
            *(str(tools() / "python"), "-P", "-m", "tensorboard.main"),
            *("--logdir", str(folder)),
            *("--host", "127.0.0.1", "--port", str(port)),
            *("--load_fast", "false", "--reload_interval", "10"),
        ]

    return Wanted(TENSORBOARD, folder, command, is_activity=False)


def job_identity(job_id: str) -> tuple[str, str]:
    """What TensorBoard over the logs of this job is known by."""
    return TENSORBOARD, f"job {job_id}"


def tensorboard_of_job(logs: JobLogs) -> Wanted:
    """TensorBoard over what a job writes; the copy of it goes when TensorBoard does."""
    _, subject = job_identity(logs.job_id)
    return replace(tensorboard(logs.folder), subject=subject, ended=logs.end)


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
