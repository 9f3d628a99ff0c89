"""The process that a keeper keeps, in a container of an image: podman's, with the sandbox's own walls.

Control group and network namespace are those that every sandbox has, made by the keeper before: so limits,
counters and the network policy are the same, and no bridge is there to leak. podman brings the file system.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path, PurePosixPath

from perijove.sandbox import record as records
from perijove.sandbox.cgroups import Cgroup, detect, remove_everywhere
from perijove.sandbox.network import NAMESERVER, SEARCH, Network
from perijove.sandbox.output import Output
from perijove.sandbox.payload import WalledPayload, memory_file
from perijove.sandbox.plan import Plan
from perijove.sandbox.podman import PODMAN, process_limits

_CDI = (Path("/etc/cdi"), Path("/var/run/cdi"))
_PATIENCE = 120


class ContainerPayload(WalledPayload):
    """A container as the session's uid: read-only root, no capability, no way to a new privilege."""

    def __init__(self, plan: Plan, cgroup: Cgroup, cgroup_name: str, network: Network, folder: Path) -> None:
        super().__init__(plan, cgroup, network)
        self._cgroup_name = cgroup_name
        self._folder = folder

    def start(self, output: Output) -> None:
        """See `Payload`."""
        self._cgroup.remember()
        environment = memory_file(environment_file(self._plan.env))
        os.set_inheritable(environment, True)
        command = [
            *podman_program(detect().number),
            "run",
            *options(
                self._plan,
                cgroup=self._cgroup_name,
                network=f"/proc/{os.getpid()}/fd/{self._network.descriptor}",
                environment=f"/proc/self/fd/{environment}",
                folder=self._folder,
            ),
            self._plan.image,
            *self._plan.argv,
        ]
        try:
            self._run(command, environment, output)
        finally:
            os.close(environment)
        self.pid = int((self._folder / "monitor.pid").read_text())
        # What is short has ended already.
        with suppress(ProcessLookupError):
            self._main = os.pidfd_open(int((self._folder / "main.pid").read_text()))

    def _run(self, command: list[str], environment: int, output: Output) -> None:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output.write_end,
                stderr=output.write_end,
                pass_fds=(environment,),
                env={"PATH": SEARCH, "HOME": "/root", "LC_ALL": "C.UTF-8"},
                timeout=_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise OSError(f"podman did not start the container within {_PATIENCE} seconds") from error
        output.pump()
        if done.returncode != 0:
            raise OSError(_reason(output.head.decode(errors="replace"), self._plan.image))

    def clean(self) -> None:
        """See `Payload`."""
        super().clean()
        remove_everywhere(self._cgroup_name)


def podman_program(cgroup_version: int) -> list[str]:
    """podman, told to put containers into the group that it is given, with or without systemd."""
    found = [PODMAN, "--cgroup-manager=cgroupfs", "--events-backend=file"]
    # crun refuses version 1 beside version 2.
    return [*found, "--runtime=runc"] if cgroup_version == 1 and shutil.which("runc") else found


def options(plan: Plan, *, cgroup: str, network: str, environment: str, folder: Path) -> list[str]:
    """The options of `podman run`. No secret is among them: every account sees a command line."""
    return [
        *("--detach", "--rm", "--pull=never", f"--name=perijove-{plan.id}", "--hostname=perijove"),
        # Its output is ours; its end is its monitor's.
        *(
            "--log-driver=passthrough",
            f"--conmon-pidfile={folder}/monitor.pid",
            f"--pidfile={folder}/main.pid",
        ),
        *("--cgroups=no-conmon", f"--cgroup-parent=/{cgroup.strip('/')}", "--pids-limit=-1"),
        f"--network=ns:{network}",
        *([f"--dns={NAMESERVER}"] if plan.network == "open" else ["--dns=127.0.0.1"]),
        f"--user={plan.uid}:{plan.gid}",
        f"--passwd-entry=jovyan:*:{plan.uid}:{plan.gid}::{plan.cwd}:/bin/bash",
        *("--cap-drop=ALL", "--security-opt=no-new-privileges", "--read-only", "--read-only-tmpfs=false"),
        f"--security-opt=seccomp={folder / records.SECCOMP_PROFILE}",
        *_memory(plan),
        *_mounts(plan),
        *_gpus(plan),
        *(process_limits()),
        f"--workdir={plan.cwd}",
        f"--env-file={environment}",
    ]


def environment_file(variables: dict[str, str]) -> bytes:
    """podman's form. OSError for a value of several lines, which it cannot hold."""
    if long := [name for name, value in variables.items() if "\n" in value or "\n" in name]:
        raise OSError(f"the variable {long[0]} has several lines; a container takes none")
    return "".join(f"{name}={value}\n" for name, value in variables.items()).encode()


def _memory(plan: Plan) -> list[str]:
    """Half of the memory at most, so that a full directory is an error and not the end."""
    size = min(plan.tmp_size, plan.memory // 2)
    return [f"--tmpfs=/tmp:rw,nosuid,nodev,mode=1777,size={size}", f"--shm-size={plan.memory // 2}"]


def _mounts(plan: Plan) -> list[str]:
    found = []
    for mount in plan.mounts:
        mode = "rw" if mount.writable else "ro"
        found.append(f"--volume={mount.source}:{mount.target}:{mode},rprivate,nosuid,nodev")
    return found


def _gpus(plan: Plan) -> list[str]:
    """The granted GPUs with their driver, as NVIDIA's own description of them says (CDI)."""
    names = [PurePosixPath(device).name.removeprefix("nvidia") for device in plan.devices]
    indices = [name for name in names if name.isdigit()]
    if indices and not any(any(folder.glob("nvidia*")) for folder in _CDI):
        raise OSError(
            "GPUs reach a container by NVIDIA's description of them, which is missing: install the NVIDIA "
            "Container Toolkit and run `nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`"
        )
    return [f"--device=nvidia.com/gpu={index}" for index in indices]


def _reason(said: str, image: str) -> str:
    if "image not known" in said or "unable to find" in said:
        return f"there is no image {image} here: `perijove image build` makes it"
    lines = [line for line in said.strip().splitlines() if line.startswith("Error")]
    return lines[-1] if lines else said.strip()[-300:] or "podman ended without a word"
