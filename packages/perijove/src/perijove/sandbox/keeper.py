"""One process per lab or job: `python -m perijove.sandbox.keeper DIRECTORY LOCK REPORT`.

It outlives whoever started it and belongs to nobody. It applies the plan in DIRECTORY, tells the launcher
by the descriptor REPORT that the program runs or why it does not, leads ports, keeps the time limit,
stops everything on SIGTERM, and writes `exit.json`. LOCK is a locked descriptor: while it is held, the
process counts as alive. When the keeper itself is killed, nothing of what it kept survives.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from perijove.sandbox import record as records
from perijove.sandbox.cgroups import Cgroup, Limits, delegated_cgroup, open_cgroup
from perijove.sandbox.forward import Forwarder
from perijove.sandbox.loop import READ, Loop
from perijove.sandbox.netlink import read_addresses
from perijove.sandbox.network import Network
from perijove.sandbox.output import Output
from perijove.sandbox.payload import ConfinedPayload, Payload, PlainPayload
from perijove.sandbox.plan import Plan
from perijove.sandbox.record import Record

DEFAULT_GRACE = 10.0
_SLIRP_RESTARTS = 5


class PortTakenError(OSError):
    """A port of the host that was to lead inside is taken."""


class Keeper:
    """Keeps one payload from its start to its `exit.json`."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._plan = Plan.from_json(record.read(records.PLAN) or {})
        self._loop = Loop()
        self._loop.on_signal(signal.SIGTERM, self._on_terminate)
        self._output = Output(self._plan)
        self._network: Network | None = None
        self._payload: Payload
        self._started = time.time()
        self._timed_out = False
        self._slirp_restarts = 0

    def start(self) -> None:
        """Everything in place and the program running, or an OSError and nothing left behind."""
        try:
            self._payload = self._prepare_confined() if self._plan.confine else PlainPayload(self._plan)
            self._forward()
            self._note_the_start()
            self._payload.start(self._output)
        except OSError:
            self._undo()
            raise
        self._output.watch(self._loop)
        self._watch_payload()
        if self._plan.time_limit is not None:
            self._loop.at("time limit", self._plan.time_limit, self._on_time_limit)

    def _prepare_confined(self) -> Payload:
        plan = self._plan
        self._cgroup_name, cgroup = (
            delegated_cgroup() if plan.scope else (plan.cgroup, open_cgroup(plan.cgroup))
        )
        network = self._network = Network(uid=plan.uid, gid=plan.gid)
        payload = self._payload = self._walls(cgroup, network)
        limits = Limits(
            cpus=plan.cpus,
            memory=plan.memory,
            processes=plan.processes,
            devices=plan.devices,
            hands_on=bool(plan.image),
        )
        cgroup.create(limits)
        if plan.network == "open":
            watch = network.open_to_the_world()
            self._loop.watch(watch, READ, lambda _: network.close_to(read_addresses(watch)))
            self._watch_slirp()
        return payload

    def _walls(self, cgroup: Cgroup, network: Network) -> Payload:
        if not self._plan.image:
            return ConfinedPayload(self._plan, cgroup, network, self._record.path(records.SECCOMP))
        # Few platforms need it, and a keeper is to be small.
        from perijove.sandbox.container import ContainerPayload

        return ContainerPayload(self._plan, cgroup, self._cgroup_name, network, self._record.directory)

    def _watch_slirp(self) -> None:
        """Start slirp4netns anew should it end: a lab without its network would have to be given up."""
        network = self._network
        if network is None:
            return
        ended, pid = os.pidfd_open(network.slirp_pid), network.slirp_pid

        def on_end(_events: int) -> None:
            self._loop.watch(ended, 0, lambda _: None)
            os.close(ended)
            os.waitpid(pid, 0)
            network.slirp_pid = 0
            self._slirp_restarts += 1
            if self._slirp_restarts <= _SLIRP_RESTARTS:
                network.start_slirp()
                self._watch_slirp()

        self._loop.watch(ended, READ, on_end)

    def _forward(self) -> None:
        for host_port, port in self._plan.inbound:
            if self._network is None and host_port == port:
                continue
            listener = _listen(_host_socket(), host_port)
            Forwarder(self._loop, listener, self._inside_socket, ("127.0.0.1", port))
        for port, host, host_port in self._plan.outbound:
            listener = _listen(self._inside_socket(), port, shared=self._network is None)
            Forwarder(self._loop, listener, _host_socket, (host, host_port))

    def _inside_socket(self) -> socket.socket:
        return self._network.make_socket() if self._network else _host_socket()

    def _note_the_start(self) -> None:
        """From here on the id is never started again, whatever happens."""
        note: dict[str, Any] = {"started": self._started, "pid": os.getpid(), "born": born(os.getpid())}
        if self._plan.confine:
            note["cgroup"] = self._cgroup_name
        self._record.write(records.STARTED, note)

    def _undo(self) -> None:
        if payload := getattr(self, "_payload", None):
            payload.kill()
            payload.clean()
        elif self._network:
            self._network.close()
        self._record.unlink(records.STARTED)

    def _watch_payload(self) -> None:
        self._ended = os.pidfd_open(self._payload.pid)
        self._loop.watch(self._ended, READ, lambda _: self._loop.stop())

    def _on_terminate(self) -> None:
        order = self._record.read(records.STOP) or {}
        self._end(float(order.get("grace", DEFAULT_GRACE)))

    def _on_time_limit(self) -> None:
        self._timed_out = True
        self._end(DEFAULT_GRACE)

    def _end(self, grace: float) -> None:
        self._payload.terminate()
        self._loop.at("kill", grace, self._payload.kill)

    def run(self) -> None:
        """Until the program has ended; then end the rest, and write down what became of it."""
        self._loop.run()
        _, status = os.waitpid(self._payload.pid, 0)
        ended = time.time()
        self._payload.kill()
        counters = self._payload.counters()
        self._payload.clean()
        dropped = self._output.close()
        self._record.unlink(records.PLAN)
        self._record.write(
            records.EXIT,
            {
                "exit_code": _exit_code(status),
                "out_of_memory": counters.oom_kills > 0,
                "process_limit_hit": counters.process_limit_hits > 0,
                "timed_out": self._timed_out,
                "started": self._started,
                "ended": ended,
                "memory_peak": counters.memory_peak,
                "cpu_seconds": counters.cpu_seconds,
                "output_dropped": dropped,
            },
        )


def born(pid: int) -> int:
    """When the process started, in clock ticks since boot: with the pid, it names one process only."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def _host_socket() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def _listen(sock: socket.socket, port: int, *, shared: bool = False) -> socket.socket:
    """Bind to a loopback's port. Several labs of single-user mode share the way to the front door."""
    option = socket.SO_REUSEPORT if shared else socket.SO_REUSEADDR
    sock.setsockopt(socket.SOL_SOCKET, option, 1)
    try:
        sock.bind(("127.0.0.1", port))
    except OSError as error:
        raise PortTakenError(f"port {port} cannot be had: {error.strerror}") from error
    return sock


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _daemonize() -> None:
    """Leave the parent, so that no zombie waits for a launcher that has gone."""
    if os.fork():
        os._exit(0)
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _prepare_process() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        Path("/proc/self/oom_score_adj").write_text("-500")
    except OSError:
        # Needs CAP_SYS_RESOURCE; without it the keeper is as likely to be chosen as any small process.
        return


def _report(descriptor: int, content: dict[str, Any]) -> None:
    try:
        os.write(descriptor, json.dumps(content).encode())
    except BrokenPipeError:
        # Whoever asked is gone. The record tells the next one.
        return
    finally:
        os.close(descriptor)


def main(directory: str, lock: int, report: int) -> None:
    """Keep what DIRECTORY describes. Everything that goes wrong ends in the record."""
    _daemonize()
    for descriptor in (lock, report):
        os.set_inheritable(descriptor, False)
    _prepare_process()
    record = Record(Path(directory))
    try:
        keeper = Keeper(record)
        keeper.start()
    except OSError as error:
        failure = {"error": str(error), "retry": isinstance(error, PortTakenError)}
        record.unlink(records.PLAN)
        record.write(records.FAILED, failure)
        _report(report, failure)
        return
    _report(report, {"running": True})
    keeper.run()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
