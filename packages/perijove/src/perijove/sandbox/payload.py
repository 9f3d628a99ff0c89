"""The process that a keeper keeps: confined by bubblewrap, or, in single-user mode, as it is."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import time
from abc import ABC, abstractmethod
from pathlib import Path

from perijove.sandbox import bubblewrap
from perijove.sandbox.cgroups import Cgroup, Counters
from perijove.sandbox.linux import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, prctl
from perijove.sandbox.network import SEARCH, Network
from perijove.sandbox.output import Output
from perijove.sandbox.plan import Plan
from perijove.sandbox.staging import stage

BWRAP = "bwrap"
_PATIENCE = 20.0


class Payload(ABC):
    """The kept process and all its descendants."""

    pid: int
    """The child of the keeper whose end is the payload's end."""

    @abstractmethod
    def start(self, output: Output) -> None:
        """Start it; return once its program was executed. OSError, with the reason, where it was not."""

    @abstractmethod
    def terminate(self) -> None:
        """SIGTERM to the started program alone: it ends its own children as it sees fit."""

    @abstractmethod
    def kill(self) -> None:
        """SIGKILL to everything; returns when nothing is left, or after 10 seconds."""

    @abstractmethod
    def counters(self) -> Counters:
        """What it used; to be asked after `kill` and before `clean`."""

    @abstractmethod
    def clean(self) -> None:
        """Remove what was made for it."""


class WalledPayload(Payload):
    """What has a control group and a network namespace of its own, whoever starts the program in them."""

    def __init__(self, plan: Plan, cgroup: Cgroup, network: Network) -> None:
        self._plan = plan
        self._cgroup = cgroup
        self._network = network
        self._main: int | None = None
        """A hold on the program, once it runs."""
        # Whoever starts the program may leave before it does: it becomes our child then.
        prctl(PR_SET_CHILD_SUBREAPER, 1)

    def terminate(self) -> None:
        """See `Payload`."""
        if self._main is not None:
            send(self._main, signal.SIGTERM)

    def kill(self) -> None:
        """See `Payload`."""
        self._cgroup.kill()

    def counters(self) -> Counters:
        """See `Payload`."""
        return self._cgroup.counters()

    def clean(self) -> None:
        """See `Payload`."""
        self._network.close()
        self._cgroup.remove()
        reap()


class ConfinedPayload(WalledPayload):
    """bubblewrap as the session's uid."""

    def __init__(self, plan: Plan, cgroup: Cgroup, network: Network, seccomp: Path) -> None:
        super().__init__(plan, cgroup, network)
        self._seccomp = seccomp

    def start(self, output: Output) -> None:
        """See `Payload`."""
        trouble, trouble_in = os.pipe()
        status, status_in = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._become_bubblewrap(output.write_end, status_in, trouble_in)
        os.close(trouble_in)
        os.close(status_in)
        if reason := _read_all(trouble):
            raise OSError(reason.decode(errors="replace"))
        os.close(trouble)
        self._await_program(status, output)

    def _become_bubblewrap(self, output: int, status: int, trouble: int) -> None:
        """In the child, still root: enter everything, then drop to the session's uid and execute."""
        try:
            self._cgroup.enter()
            Path("/proc/self/oom_score_adj").write_text("200")
            self._network.join()
            options = bubblewrap.options(self._plan, staging=stage(self._plan))
            arguments = memory_file("\0".join(options).encode() + b"\0")
            seccomp = os.open(self._seccomp, os.O_RDONLY)
            _drop_to(self._plan.uid, self._plan.gid)
            _restore_signals()
            _wire(output, inherited=(arguments, seccomp, status))
            command = [
                BWRAP,
                "--args",
                str(arguments),
                "--seccomp",
                str(seccomp),
                "--json-status-fd",
                str(status),
            ]
            os.execvpe(BWRAP, [*command, "--", *self._plan.argv], {"PATH": SEARCH})  # noqa: S606
        except BaseException as error:
            os.write(trouble, (str(error) or repr(error)).encode()[:2000])
        finally:
            os._exit(125)

    def _await_program(self, status: int, output: Output) -> None:
        """Wait until the program runs instead of bubblewrap, or has already ended."""
        deadline = time.monotonic() + _PATIENCE
        ended = os.pidfd_open(self.pid)
        try:
            while time.monotonic() < deadline:
                output.pump()
                if self._find_program():
                    # Left open: bubblewrap writes to it once more, at the end.
                    return
                if select.select([ended], [], [], 0.002)[0]:
                    _check_that_it_ran(_read_all(status), output)
                    return
        finally:
            os.close(ended)
        raise OSError("bubblewrap did not start the program within 20 seconds")

    def _find_program(self) -> bool:
        """Whether the sandbox's process 2 is no longer bubblewrap; keeps a hold on it for `terminate`."""
        for pid in self._cgroup.pids():
            if _number_inside(pid) == 2 and _executable(pid) not in ("", _executable(self.pid)):
                self._main = os.pidfd_open(pid)
                return True
        return False


class PlainPayload(Payload):
    """A child as it is, of the same uid. Its descendants are found by their parents."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        prctl(PR_SET_CHILD_SUBREAPER, 1)

    def start(self, output: Output) -> None:
        """See `Payload`."""
        trouble, trouble_in = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._become_program(output.write_end, trouble_in)
        os.close(trouble_in)
        if reason := _read_all(trouble):
            os.waitpid(self.pid, 0)
            raise OSError(reason.decode(errors="replace"))
        os.close(trouble)
        self._main = os.pidfd_open(self.pid)

    def _become_program(self, output: int, trouble: int) -> None:
        try:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            os.setsid()
            os.chdir(self._plan.cwd)
            _restore_signals()
            _wire(output, inherited=())
            os.execvpe(self._plan.argv[0], self._plan.argv, self._plan.env)  # noqa: S606
        except BaseException as error:
            os.write(trouble, f"{self._plan.argv[0]}: {error}".encode()[:2000])
        finally:
            os._exit(125)

    def terminate(self) -> None:
        """See `Payload`."""
        send(self._main, signal.SIGTERM)

    def kill(self) -> None:
        """See `Payload`."""
        deadline = time.monotonic() + 10
        while (left := _descendants(os.getpid())) and time.monotonic() < deadline:
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.002)

    def counters(self) -> Counters:
        """Of ended children only; the peak is that of the largest process."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return Counters(cpu_seconds=used.ru_utime + used.ru_stime, memory_peak=used.ru_maxrss * 1024)

    def clean(self) -> None:
        """Nothing was made but zombies."""
        reap()


def _read_all(pipe: int) -> bytes:
    found = b""
    while chunk := os.read(pipe, 65536):
        found += chunk
    return found


def memory_file(content: bytes) -> int:
    """A descriptor of a file in memory that no path leads to."""
    descriptor = os.memfd_create("options")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _drop_to(uid: int, gid: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def _restore_signals() -> None:
    """Python ignores some signals, and what is ignored stays so over an exec."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.umask(0o022)


def _wire(output: int, *, inherited: tuple[int, ...]) -> None:
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for descriptor in inherited:
        os.set_inheritable(descriptor, True)


def _check_that_it_ran(status: bytes, output: Output) -> None:
    """bubblewrap tells an exit code only where it came to running something."""
    output.pump()
    said = output.head.decode(errors="replace").strip()
    ran = any("exit-code" in document for document in _documents(status.decode()))
    if not ran or said.startswith("bwrap: execvp"):
        raise OSError(said or "bubblewrap ended without a word")


def _documents(text: str) -> list[dict[str, int]]:
    decoder, found, place = json.JSONDecoder(), [], 0
    while (place := place + len(text[place:]) - len(text[place:].lstrip())) < len(text):
        document, place = decoder.raw_decode(text, place)
        found.append(document)
    return found


def _number_inside(pid: int) -> int:
    """The pid inside its innermost pid namespace."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[-1]) for line in lines if line.startswith("NSpid:")), 0)


def _executable(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def send(process: int, number: signal.Signals) -> None:
    """A signal to the process of a descriptor; nothing where it has ended."""
    try:
        signal.pidfd_send_signal(process, number)
    except ProcessLookupError:
        return


def _descendants(ancestor: int) -> list[int]:
    """Every process below `ancestor`, by the parents in /proc; ended ones left out."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (parent := _parent(entry)) is not None:
            children.setdefault(parent, []).append(int(entry))
    found: list[int] = []
    below = list(children.get(ancestor, ()))
    while below:
        pid = below.pop()
        found.append(pid)
        below += children.get(pid, ())
    return found


def _parent(pid: str) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[1])


def reap() -> None:
    """Take up the ended orphans of the payload: not every machine has a process 1 that does."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return
