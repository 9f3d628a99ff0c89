"""What this machine can confine: one probe each, for `perijove doctor`."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from perijove.core.errors import PerijoveError
from perijove.core.layout import Layout
from perijove.core.resources import Resources, format_size
from perijove.core.settings import Settings
from perijove.sandbox.accounts import UIDS, PlatformAccount
from perijove.sandbox.cgroups import detect
from perijove.sandbox.container import podman_program
from perijove.sandbox.direct import DirectLauncher
from perijove.sandbox.keepers import systemd_runs
from perijove.sandbox.machine import Machine, gpu_use
from perijove.sandbox.podman import PODMAN
from perijove.sandbox.seccomp import compiled_filter
from perijove.sandbox.spec import SandboxSpec

_INSTALL = "apt install bubblewrap slirp4netns libseccomp2 (Debian, Ubuntu), or dnf install the same names."
_MULTI_USER = "Without it the platform serves nobody but one user (--single-user)."


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at: what was found, what its lack costs, and one line that mends it.

    `required`: several users are not served without it.
    """

    name: str
    ok: bool
    found: str
    required: bool = True
    cost: str = ""
    mending: str = ""


def run_checks(settings: Settings) -> list[Check]:
    """Every probe. The last ones start sandboxes of their own, in a temporary directory."""
    checks = [
        _root(),
        _program("bwrap", "No lab or job can be confined."),
        _user_namespaces(settings),
        _program(
            "slirp4netns", "Labs and jobs of network policy `open` do not start.", required=_open(settings)
        ),
        _filter(),
        *_control_groups(),
        _swap(),
        _uid_range(settings),
        *_lab_image(settings),
        *_gpus(),
    ]
    if all(check.ok for check in checks if check.required):
        checks += [_whole(settings, "none"), _whole(settings, "open")]
    return checks


def _root() -> Check:
    return Check(
        name="root",
        ok=os.geteuid() == 0,
        found=f"uid {os.geteuid()}",
        cost=_MULTI_USER,
        mending="Start as root (sudo make up), or use --single-user.",
    )


def _open(settings: Settings) -> bool:
    return settings.sandbox.network == "open"


def _program(name: str, cost: str, *, required: bool = True) -> Check:
    path = shutil.which(name)
    found = _version([path, "--version"]) if path else "not installed"
    return Check(name=name, ok=path is not None, found=found, required=required, cost=cost, mending=_INSTALL)


def _version(command: list[str]) -> str:
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError as error:
        return str(error)
    return answer.stdout.splitlines()[0] if answer.stdout else "no version told"


def _user_namespaces(settings: Settings) -> Check:
    """By doing it: distributions restrict it in several ways (sysctl, AppArmor, in containers seccomp)."""
    command = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"]
    uid = settings.sandbox.uid_base if os.geteuid() == 0 else os.geteuid()
    return Check(
        name="user namespaces",
        ok=(found := _try_as(uid, command)) == "",
        found=found or "work, for an account without privileges",
        cost="No lab or job can be confined.",
        mending=_mend_user_namespaces(),
    )


def _try_as(uid: int, command: list[str]) -> str:
    """Why `command` fails for `uid`; nothing where it succeeds."""
    try:
        if os.geteuid() == 0:
            command = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *command]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, cwd="/")
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return "" if answer.returncode == 0 else answer.stderr.strip()[-300:] or f"exit code {answer.returncode}"


def _mend_user_namespaces() -> str:
    if _sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return (
            "Ubuntu's AppArmor forbids them: apt install apparmor-profiles, enable bwrap-userns-restrict, or "
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (and in /etc/sysctl.d)."
        )
    if _sysctl("kernel/unprivileged_userns_clone") == "0":
        return "sysctl -w kernel.unprivileged_userns_clone=1 (and in /etc/sysctl.d)."
    if _sysctl("user/max_user_namespaces") == "0":
        return "sysctl -w user.max_user_namespaces=15000 (and in /etc/sysctl.d)."
    return "In a container, start it with --privileged; else see bubblewrap's message."


def _sysctl(name: str) -> str:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return ""


def _lab_image(settings: Settings) -> list[Check]:
    """podman and the image that labs run in, where there is one."""
    image = settings.hub.lab_image
    if not image:
        return []
    engine = _program(PODMAN, "Labs do not start: hub.lab_image names an image.")
    if not engine.ok:
        return [replace(engine, mending="apt install podman (Debian, Ubuntu), or dnf install podman.")]
    command = [*podman_program(detect().number), "image", "exists", image]
    there = subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    found = Check(
        name="image of labs",
        ok=there,
        found=image if there else f"podman has no image {image}",
        cost="Labs do not start: hub.lab_image names it.",
        mending=f"perijove image build --engine podman --name {image}",
    )
    return [engine, found]


def _filter() -> Check:
    try:
        found = f"a filter of {len(compiled_filter()) // 8} instructions"
    except PerijoveError as error:
        return Check(name="seccomp", ok=False, found=error.message, cost=_MULTI_USER, mending=error.advice)
    return Check(name="seccomp", ok=True, found=found)


def _control_groups() -> list[Check]:
    version = detect()
    by = " with systemd" if systemd_runs() else ""
    costs = {
        "memory": "One lab could take all memory of the machine.",
        "cpu": "One lab could take all CPUs.",
        "pids": "One lab could start processes until nothing else can.",
    }
    found = "none" if version.number == 0 else f"version {version.number}{by}"
    return [
        Check(
            name=f"control group {name}",
            ok=version.number > 0 and name not in version.missing,
            found=found,
            cost=f"{cost} {_MULTI_USER}",
            mending=_mend_control_group(name),
        )
        for name, cost in costs.items()
    ]


def _mend_control_group(name: str) -> str:
    if name == "memory":
        return "Boot with cgroup_enable=memory (Raspberry Pi, some Debian), in a container use --privileged."
    return "Mount /sys/fs/cgroup writable; in a container use --privileged --cgroupns=private."


def _swap() -> Check:
    swaps = Path("/proc/swaps").read_text().splitlines()[1:]
    memory = detect().mounts.get("memory")
    accounted = memory is None or (memory / "memory.memsw.limit_in_bytes").exists()
    return Check(
        name="swap",
        ok=not swaps or accounted,
        found=f"{'some' if swaps else 'none'}, {'limited' if accounted else 'cannot be limited'}",
        required=False,
        cost="A lab out of memory swaps for long before it is ended, and slows down the others.",
        mending="Boot with swapaccount=1, or swapoff -a.",
    )


def _uid_range(settings: Settings) -> Check:
    first, last = settings.sandbox.uid_base, settings.sandbox.uid_base + UIDS - 1
    overlaps = [line for line in _subuids() if int(line[1]) <= last and int(line[1]) + int(line[2]) > first]
    return Check(
        name="uids",
        ok=not overlaps,
        found=f"{first} to {last}" + (f", also given to {overlaps[0][0]} in /etc/subuid" if overlaps else ""),
        required=False,
        cost="Containers of that account share uids with users of the platform and could act as they.",
        mending="Before the first user comes, set sandbox.uid_base to a free range, for example 2000000.",
    )


def _subuids() -> list[list[str]]:
    try:
        lines = Path("/etc/subuid").read_text().splitlines()
    except OSError:
        return []
    split = (line.split(":") for line in lines)
    return [parts for parts in split if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit()]


def _gpus() -> list[Check]:
    machine = Machine()
    gpus = machine.gpus()
    if not gpus:
        return [Check(name="GPUs", ok=True, found="none", required=False)]
    shared = Path("/dev/nvidia-uvm").exists()
    found = ", ".join(f"{gpu.index}: {gpu.name}" for gpu in gpus)
    return [
        Check(
            name="GPUs",
            ok=shared,
            found=found if shared else f"{found}; /dev/nvidia-uvm is missing",
            required=False,
            cost="CUDA does not start in labs and jobs.",
            mending="nvidia-modprobe -u -c=0, at every boot (nvidia-persistenced does it).",
        ),
        Check(
            name="nvidia-smi",
            ok=bool(gpu_use()),
            found="answers" if gpu_use() else "does not answer",
            required=False,
            cost="The use of GPUs is not shown.",
            mending="Install the driver's utilities (nvidia-utils) in the version of the loaded driver.",
        ),
    ]


def _whole(settings: Settings, network: str) -> Check:
    """One real sandbox, from the claim to the end."""
    began = time.monotonic()
    failure = _attempt(lambda: _run_one(settings, network))
    took = f"{(time.monotonic() - began) * 1000:.0f} ms"
    return Check(
        name=f"a sandbox, network {network}",
        ok=not failure,
        found=failure or f"started, limited, ended: {took}",
        required=network == "none" or _open(settings),
        cost="No lab or job starts." if network == "none" else "Labs and jobs of policy `open` do not start.",
        mending="See the message; slirp4netns needs /dev/net/tun (modprobe tun)."
        if network == "open"
        else "See the message.",
    )


def _attempt(run: Callable[[], str]) -> str:
    try:
        return run()
    except PerijoveError as error:
        return error.message


def _run_one(settings: Settings, network: str) -> str:
    with tempfile.TemporaryDirectory(prefix="perijove-doctor-") as directory:
        Path(directory).chmod(0o711)
        platform = PlatformAccount(uid=0, gid=0)
        launcher = DirectLauncher(Layout(Path(directory)), settings, platform=platform)
        account = launcher.account("doctor")
        spec = SandboxSpec.model_validate(
            {
                "id": f"doctor-{os.getpid()}-{network}",
                "kind": "inspect",
                "owner": "doctor",
                "uid": account.uid,
                "gid": account.gid,
                "argv": ("/bin/sh", "-c", "exit 42"),
                "cwd": "/",
                "resources": Resources(cpus=0.5, memory=2**26),
                "network": network,
            }
        )
        status = launcher.start(spec)
        while status.state == "running":
            time.sleep(0.02)
            status = launcher.status(spec.id)
        return "" if status.exit_code == 42 else f"it ended with {status.exit_code}"


def confines(checks: list[Check]) -> bool:
    """Whether several users may be served."""
    return all(check.ok for check in checks if check.required)


def machine_summary(settings: Settings) -> str:
    """What the machine has, in one line."""
    machine = Machine()
    return f"{machine.cpus():g} CPUs, {format_size(machine.memory())}, {len(machine.gpus())} GPUs"
