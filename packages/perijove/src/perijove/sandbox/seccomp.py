"""The filter on system calls: what container engines deny, compiled once by libseccomp.

A list of what is denied, not of what is allowed: programs of research use more of the kernel than a web
service. Denied is what administers the machine, what reaches across processes, and the rarely used parts
of the kernel in which most ways out of containers were found. Programs of other architectures (32 bit,
x32) are killed.
"""

from __future__ import annotations

import errno
import importlib
import json
import platform
import socket
import tempfile
from functools import cache
from typing import Any

from perijove.core.errors import ConfinementError

DENIED = (
    # mounts and roots
    *("mount", "umount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "fspick"),
    *(
        "move_mount",
        "open_tree",
        "mount_setattr",
        "quotactl",
        "quotactl_fd",
        "open_by_handle_at",
        "fanotify_init",
    ),
    # namespaces
    *("setns",),
    # the kernel itself
    *("init_module", "finit_module", "delete_module", "create_module", "kexec_load", "kexec_file_load"),
    *("reboot", "swapon", "swapoff", "acct", "syslog", "iopl", "ioperm", "bpf", "perf_event_open"),
    *("lookup_dcookie", "uselib", "ustat", "sysfs", "_sysctl", "nfsservctl", "vhangup", "vm86", "vm86old"),
    # clocks and names
    *("settimeofday", "clock_settime", "clock_settime64", "clock_adjtime", "adjtimex", "stime"),
    *("sethostname", "setdomainname"),
    # keys
    *("add_key", "keyctl", "request_key"),
    # other processes
    *("ptrace", "userfaultfd", "move_pages", "migrate_pages"),
)
# As if the kernel did not know them; programs then take the older call, whose arguments can be looked at.
UNKNOWN = ("clone3", "io_uring_setup", "io_uring_enter", "io_uring_register")
# Newer than the libseccomp of stable distributions; from 424 on, numbers are the same on all architectures.
UNKNOWN_NUMBERS = (460, 467)  # lsm_set_self_attr, open_tree_attr
_UNKNOWN_NAMES = ("lsm_set_self_attr", "open_tree_attr")
_ARCHITECTURES = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}

# CLONE_NEW…: mount, cgroup, uts, ipc, user, pid, net.
NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
_CLONE_NEWTIME = 0x80
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)


@cache
def compiled_filter() -> bytes:
    """The filter as the kernel takes it, for this machine. ConfinementError where libseccomp is missing."""
    try:
        lib: Any = importlib.import_module("pyseccomp")
    except (ImportError, RuntimeError) as error:
        raise ConfinementError(
            "The filter on system calls cannot be made: libseccomp is missing.",
            advice="Install libseccomp2 (Debian, Ubuntu) or libseccomp, and pyseccomp.",
        ) from error
    return _compile(lib)


def container_profile() -> bytes:
    """The same rules as container engines take them. ConfinementError on an architecture without a name."""
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise ConfinementError(
            f"No container's system calls can be filtered on {machine}.",
            advice="Empty the setting hub.lab_image.",
        )
    rules = [
        _rule([*DENIED], errno.EPERM),
        _rule([*UNKNOWN, *_UNKNOWN_NAMES], errno.ENOSYS),
        *(_rule(["clone"], errno.EPERM, (0, flag, "MASKED_EQ", flag)) for flag in NAMESPACES),
        *(
            _rule(["unshare"], errno.EPERM, (0, flag, "MASKED_EQ", flag))
            for flag in (*NAMESPACES, _CLONE_NEWTIME)
        ),
        *(
            _rule(["ioctl"], errno.EPERM, (1, 0xFFFFFFFF, "MASKED_EQ", request))
            for request in (_TIOCSTI, _TIOCLINUX)
        ),
        _rule(["socket"], errno.EPERM, (0, max(FAMILIES), "GT", 0)),
        *(
            _rule(["socket"], errno.EPERM, (0, family, "EQ", 0))
            for family in range(max(FAMILIES))
            if family not in FAMILIES
        ),
    ]
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": [_ARCHITECTURES[machine]]}
    return json.dumps({**profile, "syscalls": rules}).encode()


def _rule(names: list[str], code: int, argument: tuple[int, int, str, int] | None = None) -> dict[str, Any]:
    """`argument`: its index, a value or a mask, the comparison, and what the masked value equals."""
    found: dict[str, Any] = {"names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": code}
    if argument is not None:
        index, value, how, equals = argument
        found["args"] = [{"index": index, "value": value, "valueTwo": equals, "op": f"SCMP_CMP_{how}"}]
    return found


def _compile(lib: Any) -> bytes:
    filter_ = lib.SyscallFilter(lib.ALLOW)
    deny = lib.ERRNO(errno.EPERM)
    unknown = lib.ERRNO(errno.ENOSYS)
    _add_calls(filter_, deny, unknown)
    _add_arguments(filter_, deny, lib)
    with tempfile.TemporaryFile() as file:
        filter_.export_bpf(file)
        file.seek(0)
        return file.read()


def _add_calls(filter_: Any, deny: Any, unknown: Any) -> None:
    rules = [(name, deny) for name in DENIED] + [(name, unknown) for name in UNKNOWN]
    for name, action in rules:
        try:
            filter_.add_rule(action, name)
        except (ValueError, OSError):
            # A call that this architecture never had.
            continue
    for number in UNKNOWN_NUMBERS:
        filter_.add_rule(unknown, number)


def _add_arguments(filter_: Any, deny: Any, lib: Any) -> None:
    """No new namespaces, no typing into terminals, no sockets but the four common families."""
    add, arg = filter_.add_rule, lib.Arg
    equal, masked, above = lib.EQ, lib.MASKED_EQ, lib.GT
    for flag in NAMESPACES:
        add(deny, "clone", arg(0, masked, flag, flag))
    for flag in (*NAMESPACES, _CLONE_NEWTIME):
        add(deny, "unshare", arg(0, masked, flag, flag))
    for request in (_TIOCSTI, _TIOCLINUX):
        add(deny, "ioctl", arg(1, masked, 0xFFFFFFFF, request))
    add(deny, "socket", arg(0, above, max(FAMILIES)))
    for family in range(max(FAMILIES)):
        if family not in FAMILIES:
            add(deny, "socket", arg(0, equal, family))
