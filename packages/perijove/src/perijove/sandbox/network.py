"""The network namespace of a sandbox, and its way out.

The namespace belongs to a user namespace of its own, in which nothing of the session ever runs. So the
session has no power over it, whatever it becomes inside its own. slirp4netns, run as the session's uid,
carries what leaves it. Closed are, by routes inside the namespace: every address of the host itself (its
loopback by slirp4netns' own option), and the link-local range, where clouds keep their credentials.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import stat

from perijove.sandbox.linux import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWUSER,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    PR_SET_PDEATHSIG,
    mount,
    prctl,
    setns,
    unshare,
)
from perijove.sandbox.netlink import loopback_up, prohibit, read_addresses, watch_addresses

# A range that is nobody's: the carriers' shared space, at its end.
CIDR = "100.127.255.0/24"
NAMESERVER = "100.127.255.3"
LINK_LOCAL = ("169.254.0.0", 16)
SLIRP = "slirp4netns"
TUN = "/dev/net/tun"
SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Network:
    """A new network namespace with its loopback up, and the calls that act inside it.

    To be used from one thread only.
    """

    def __init__(self, *, uid: int, gid: int) -> None:
        self._host = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._users, self._inside = _make_namespaces(uid, gid)
        self._enter()
        try:
            loopback_up()
        finally:
            self._leave()
        self._slirp_exit = -1
        self.slirp_pid = 0

    def _enter(self) -> None:
        setns(self._inside, CLONE_NEWNET)

    def _leave(self) -> None:
        setns(self._host, CLONE_NEWNET)

    @property
    def descriptor(self) -> int:
        """The namespace, open in this process."""
        return self._inside

    def join(self) -> None:
        """Move the calling process into the namespace for good."""
        self._enter()

    def make_socket(self) -> socket.socket:
        """A TCP socket that belongs to the namespace; any thread may use it."""
        self._enter()
        try:
            return socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        finally:
            self._leave()

    def close_to(self, addresses: list[str]) -> None:
        """Let nothing inside send to `addresses` any more."""
        self._enter()
        try:
            for address in addresses:
                prohibit(address)
        finally:
            self._leave()

    def open_to_the_world(self) -> socket.socket:
        """Start slirp4netns and close what must stay closed. Returns the watch on the host's addresses.

        OSError where it does not start within 10 seconds.
        """
        self._enter()
        try:
            prohibit(*LINK_LOCAL)
        finally:
            self._leave()
        watch = watch_addresses()
        self.close_to(read_addresses(watch))
        self.start_slirp()
        return watch

    def start_slirp(self) -> int:
        """Start slirp4netns; returns its pid once the network is up. It ends with this process."""
        ready, ready_in = os.pipe()
        exit_out, exit_in = os.pipe()
        pid = os.fork()
        if pid == 0:
            _run_slirp(self._users, self._inside, ready_in, exit_out)
        os.close(ready_in)
        os.close(exit_out)
        self._close_slirp()
        self._slirp_exit = exit_in
        try:
            _wait_until_ready(ready, pid)
        finally:
            os.close(ready)
        self.slirp_pid = pid
        return pid

    def close(self) -> None:
        """End slirp4netns and let go of the namespace."""
        self._close_slirp()
        for descriptor in (self._users, self._inside, self._host):
            os.close(descriptor)

    def _close_slirp(self) -> None:
        if self._slirp_exit >= 0:
            os.close(self._slirp_exit)
        self._slirp_exit = -1
        if self.slirp_pid:
            os.kill(self.slirp_pid, signal.SIGKILL)
            os.waitpid(self.slirp_pid, 0)
        self.slirp_pid = 0


def _make_namespaces(uid: int, gid: int) -> tuple[int, int]:
    """A user namespace in which `uid` is root, and a network namespace that belongs to it."""
    child_out, child_in = os.pipe()
    go_out, go_in = os.pipe()
    pid = os.fork()
    if pid == 0:
        _hold_namespaces(uid, gid, child_in, go_out)
    try:
        os.close(child_in)
        _expect(child_out)
        _write(f"/proc/{pid}/uid_map", f"0 {uid} 1\n")
        _write(f"/proc/{pid}/gid_map", f"0 {gid} 1\n")
        os.write(go_in, b"x")
        _expect(child_out)
        users = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        inside = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        return users, inside
    finally:
        for descriptor in (go_in, go_out, child_out):
            os.close(descriptor)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _hold_namespaces(uid: int, gid: int, say: int, go: int) -> None:
    """In the child: make both, wait until they have been opened, end."""
    try:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        unshare(CLONE_NEWUSER)
        os.write(say, b"1")
        os.read(go, 1)
        unshare(CLONE_NEWNET)
        os.write(say, b"2")
        signal.pause()
    finally:
        os._exit(1)


def _expect(pipe: int) -> None:
    if not os.read(pipe, 1):
        raise OSError("this account may not make user and network namespaces")


def _write(path: str, content: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, content.encode())
    finally:
        os.close(descriptor)


def _run_slirp(users: int, inside: int, ready: int, leave: int) -> None:
    """In the child: become root of the user namespace, which outside is the session's uid; execute."""
    try:
        _open_tun()
        os.setgroups([])
        setns(users, CLONE_NEWUSER)
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for descriptor in (inside, ready, leave):
            os.set_inheritable(descriptor, True)
        null = os.open("/dev/null", os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.execvpe(SLIRP, _slirp_arguments(inside, ready, leave), {"PATH": SEARCH})  # noqa: S606
    finally:
        os._exit(127)


def _open_tun() -> None:
    """Give this process a /dev/net/tun that its coming uid may open.

    udev lets everybody open it, since only who owns a network namespace can do anything with it; a machine
    without udev may have it for root alone.
    """
    found = os.stat(TUN)
    if found.st_mode & 0o006 == 0o006:
        return
    unshare(CLONE_NEWNS)
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    mount("tmpfs", os.path.dirname(TUN), kind="tmpfs", flags=MS_NOSUID | MS_NOEXEC, options="mode=755")
    os.mknod(TUN, stat.S_IFCHR, found.st_rdev)
    os.chmod(TUN, 0o666)  # noqa: S103 (see above)


def _slirp_arguments(inside: int, ready: int, leave: int) -> list[str]:
    return [
        *(SLIRP, "--configure", "--mtu=65520", f"--cidr={CIDR}", "--disable-host-loopback"),
        *("--enable-sandbox", "--enable-seccomp", f"--ready-fd={ready}", f"--exit-fd={leave}"),
        *("--netns-type=path", f"/proc/self/fd/{inside}", "tap0"),
    ]


def _wait_until_ready(ready: int, pid: int) -> None:
    answered, _, _ = select.select([ready], [], [], 10)
    if answered and os.read(ready, 1) == b"1":
        return
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise OSError("slirp4netns does not start")
