"""Start, ask and stop keepers: what the launchers of this machine have in common."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from perijove.core.errors import ConfinementError, NotFoundError
from perijove.sandbox import record as records
from perijove.sandbox.cgroups import Cgroup, Counters, open_cgroup, remove_everywhere
from perijove.sandbox.keeper import born
from perijove.sandbox.plan import Plan
from perijove.sandbox.record import Record
from perijove.sandbox.spec import SandboxSpec, SandboxStatus

KEEPER = ["-m", "perijove.sandbox.keeper"]
SYSTEMD = Path("/run/systemd/system")
_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
_KEEPER_LOG = "keeper.log"
_PATIENCE = 30.0


def write_spec(record: Record, spec: SandboxSpec, gpus: tuple[int, ...]) -> None:
    """For whoever asks later; the environment, which holds secrets, stays out of it."""
    described = spec.model_dump(mode="json", exclude={"env"})
    record.write(records.SPEC, {"spec": described, "gpus": gpus, "claimed": time.time()})


def plan_values(spec: SandboxSpec) -> dict[str, Any]:
    """What a plan takes from the description as it stands there."""
    return {
        "id": spec.id,
        "uid": spec.uid,
        "gid": spec.gid,
        "argv": spec.argv,
        "env": spec.env,
        "cwd": str(spec.cwd),
        "image": spec.image,
        "cpus": spec.resources.cpus,
        "memory": spec.resources.memory,
        "processes": spec.processes,
        "tmp_size": spec.tmp_size,
        "network": spec.network,
        "inbound": tuple((pair.host_port, pair.port) for pair in spec.inbound),
        "outbound": tuple((way.port, way.host, way.host_port) for way in spec.outbound),
        "log_limit": spec.log_limit,
        "time_limit": spec.time_limit,
    }


def run_keeper(record: Record, plan: Plan, lock: int) -> None:
    """Start a keeper for `plan`, which holds `lock` from now on; return when the program runs.

    ConfinementError with the keeper's reason where it does not.
    """
    record.put(records.PLAN, json.dumps(plan.to_json()).encode())
    report, report_in = os.pipe()
    command = [sys.executable, "-I", *KEEPER, str(record.directory)]
    try:
        with record.path(_KEEPER_LOG).open("wb") as log:
            process = subprocess.Popen(
                [*_scope(plan), *command, str(lock), str(report_in)],
                pass_fds=(lock, report_in),
                env=_ENVIRONMENT,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
    finally:
        os.close(report_in)
    with open(report, "rb") as answer:
        said = answer.read()
    process.wait()
    _raise_what_it_said(said, record)


def _scope(plan: Plan) -> list[str]:
    """Under systemd, a scope of its own: so it survives the end of the platform's service."""
    if not plan.scope:
        return []
    unit = plan.cgroup.replace("/", "-")
    properties = ("--property=Delegate=yes", "--property=TasksMax=infinity")
    return [
        "systemd-run",
        "--scope",
        "--quiet",
        "--collect",
        "--slice=perijove",
        f"--unit={unit}",
        *properties,
    ]


def _raise_what_it_said(said: bytes, record: Record) -> None:
    answer = json.loads(said) if said else {"error": _last_words(record)}
    if "error" not in answer:
        return
    raise ConfinementError(
        f"The process was not started: {answer['error']}.",
        advice="`perijove doctor` shows what this machine can confine, and how to mend it.",
        retry=bool(answer.get("retry")),
    )


def _last_words(record: Record) -> str:
    lines = record.path(_KEEPER_LOG).read_text(errors="replace").strip().splitlines()
    return f"its keeper ended ({lines[-1] if lines else 'without a word'})"


def read_status(record: Record) -> SandboxStatus:
    """What became of a sandbox. NotFoundError where none was started under this id.

    The lock decides: it is looked at first, and what ended has let go of everything that it held.
    """
    alive = record.locked
    asked, started, ended = (record.read(name) for name in (records.SPEC, records.STARTED, records.EXIT))
    if asked is None or not (alive or started or ended):
        raise NotFoundError(f"No sandbox {record.directory.name} was started.")
    spec = asked["spec"]
    found: dict[str, Any] = {
        "id": spec["id"],
        "kind": spec["kind"],
        "owner": spec["owner"],
        "resources": spec["resources"],
        "gpus": asked["gpus"],
        "started": (started or {}).get("started", asked["claimed"]),
        "state": "running" if alive else "exited" if ended else "lost",
    }
    if ended and not alive:
        found |= {name: ended[name] for name in ended if name in SandboxStatus.model_fields}
    elif alive:
        found |= _hits(record)
    return SandboxStatus.model_validate(found)


def _hits(record: Record) -> dict[str, bool]:
    """The limits that a running sandbox has run into so far."""
    counters = cgroup.counters() if (cgroup := cgroup_of(record)) else Counters()
    return {
        "out_of_memory": counters.oom_kills > 0,
        "process_limit_hit": counters.process_limit_hits > 0,
    }


def list_records(sandboxes: Path) -> list[Record]:
    """Every record, in order of ids."""
    found = sorted(path for path in sandboxes.iterdir() if path.is_dir())
    return [Record(path) for path in found]


def list_statuses(sandboxes: Path) -> list[SandboxStatus]:
    """The status of every sandbox on record."""
    found = []
    for record in list_records(sandboxes):
        with contextlib.suppress(NotFoundError):
            found.append(read_status(record))
    return found


def cgroup_of(record: Record) -> Cgroup | None:
    """The control group of a sandbox, made or about to be; None where it has none."""
    known = record.read(records.STARTED) or record.read(records.PLAN) or {}
    name = known.get("cgroup")
    return open_cgroup(name) if name else None


def clean_up(record: Record) -> None:
    """End and remove what a killed keeper may have left: its control group with all that is in it."""
    try:
        cgroup = cgroup_of(record)
    except OSError:
        return
    if cgroup is not None:
        cgroup.kill()
        cgroup.remove()
        remove_everywhere(str((record.read(records.STARTED) or record.read(records.PLAN) or {})["cgroup"]))


def stop_keeper(record: Record, grace: float) -> None:
    """Have a keeper stop everything; return when it has ended. One that hangs is killed, with all of it."""
    record.write(records.STOP, {"grace": grace})
    process = _keeper_process(record)
    if process is None:
        return
    try:
        _send(process, signal.SIGTERM)
        if not _await(process, grace + _PATIENCE):
            _send(process, signal.SIGKILL)
            _await(process, _PATIENCE)
    finally:
        os.close(process)


def _keeper_process(record: Record) -> int | None:
    """A descriptor of the keeper, which no other process can take for it; None once it has ended."""
    started = _await_start(record)
    if started is None:
        return None
    try:
        process = os.pidfd_open(started["pid"])
        if born(started["pid"]) == started["born"] and record.locked:
            return process
    except (ProcessLookupError, FileNotFoundError):
        return None
    os.close(process)
    return None


def _await_start(record: Record) -> dict[str, Any] | None:
    """The note of the start; one that is just being started will have it, or end, in a moment."""
    while record.locked:
        if started := record.read(records.STARTED):
            return started
        time.sleep(0.02)
    return record.read(records.STARTED)


def _send(process: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(process, number)


def _await(process: int, seconds: float) -> bool:
    return bool(select.select([process], [], [], seconds)[0])


def systemd_runs() -> bool:
    """Whether systemd looks after this machine's control groups."""
    return SYSTEMD.is_dir() and shutil.which("systemd-run") is not None
