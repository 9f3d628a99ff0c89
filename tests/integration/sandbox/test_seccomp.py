"""The filter on system calls, from inside."""

from __future__ import annotations

import pytest
from tests.integration.sandbox.conftest import Boxes

pytestmark = pytest.mark.root

_TRY = """
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def told(result):
    return 'ok' if result >= 0 else errno.errorcode[ctypes.get_errno()]
def family(number):
    try: socket.socket(number, socket.SOCK_DGRAM).close(); return 'ok'
    except OSError as error: return errno.errorcode[error.errno]
"""


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("libc.unshare(0x10000000)", "EPERM"),  # a user namespace
        ("libc.unshare(0x20000)", "EPERM"),  # a mount namespace
        ("libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0)", "EPERM"),  # clone, the same
        ("libc.syscall(435, 0, 0)", "ENOSYS"),  # clone3: its flags cannot be looked at
        ("libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)", "EPERM"),
        ("libc.umount2(b'/tmp', 0)", "EPERM"),
        ("libc.chroot(b'/tmp')", "EPERM"),
        ("libc.setns(0, 0)", "EPERM"),
        ("libc.syscall(250, 0, 0, 0, 0, 0)", "EPERM"),  # keyctl
        ("libc.syscall(321, 0, 0, 0)", "EPERM"),  # bpf
        ("libc.syscall(323, 0)", "EPERM"),  # userfaultfd
        ("libc.syscall(246, 0, 0, 0, 0)", "EPERM"),  # kexec_load
        ("libc.syscall(175, 0, 0, b'')", "EPERM"),  # init_module
        ("libc.syscall(298, 0, 0, -1, -1, 0)", "EPERM"),  # perf_event_open
        ("libc.syscall(425, 1, 0)", "ENOSYS"),  # io_uring_setup
        ("libc.ptrace(0, 0, 0, 0)", "EPERM"),
        ("libc.ioctl(0, 0x5412, b'x')", "EPERM"),  # TIOCSTI
    ],
)
def test_denied(boxes: Boxes, call: str, answer: str) -> None:
    assert boxes.python(f"{_TRY}\nprint(told({call}))").output == f"{answer}\n"


def test_sockets_of_other_families(boxes: Boxes) -> None:
    """40 is vsock: it knows no network namespaces, and leads from a virtual machine to its host."""
    code = f"{_TRY}\nprint([family(number) for number in (1, 2, 10, 16, 17, 31, 38, 40, 44)])"
    assert boxes.python(code).output == (
        "['ok', 'ok', 'ok', 'ok', 'EPERM', 'EPERM', 'EPERM', 'EPERM', 'EPERM']\n"
    )


def test_what_programs_need_goes_on(boxes: Boxes) -> None:
    code = (
        f"{_TRY}\n"
        "import subprocess, threading, tempfile, mmap, signal\n"
        "print(told(libc.unshare(0x400)), subprocess.run(['true']).returncode)\n"  # CLONE_FILES
        "print(told(libc.syscall(203, 0, 8, ctypes.byref(ctypes.c_ulong(1)))))\n"  # sched_setaffinity
        "print(told(libc.syscall(319, b'x', 0)) , told(libc.personality(0xffffffff)))\n"  # memfd_create
    )
    assert boxes.python(code).output == "ok 0\nok\nok ok\n"
