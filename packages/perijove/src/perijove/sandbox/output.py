"""The log of a confined process: at most so many bytes, whatever it writes."""

from __future__ import annotations

import os
import select
import stat

from perijove.sandbox.files import open_resolved
from perijove.sandbox.loop import READ, Loop
from perijove.sandbox.plan import Plan

_CHUNK = 2**16


class Output:
    """A pipe for standard output and error, emptied into the log for as long as anybody writes."""

    def __init__(self, plan: Plan) -> None:
        self._log = _open_log(plan)
        self._room = plan.log_limit - os.fstat(self._log).st_size
        self._dropped = 0
        self.head = b""
        self._pipe, self.write_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._pipe, False)
        if plan.confine:
            # So that programs inside may open /dev/stdout and /dev/stderr again, by name.
            os.fchown(self.write_end, plan.uid, plan.gid)

    def watch(self, loop: Loop) -> None:
        """Go on by the loop from now on."""
        loop.watch(self._pipe, READ, lambda _: self._on_ready(loop))

    def _on_ready(self, loop: Loop) -> None:
        if not self.pump():
            loop.watch(self._pipe, 0, lambda _: None)

    def pump(self) -> bool:
        """Take what is there now. False once every writer is gone."""
        for _ in range(64):
            try:
                data = os.read(self._pipe, _CHUNK)
            except BlockingIOError:
                return True
            if not data:
                return False
            self._keep(data)
        return True

    def _keep(self, data: bytes) -> None:
        self.head = self.head or data[:1000]
        kept = data[: max(0, self._room)]
        try:
            written = os.write(self._log, kept) if kept else 0
        except OSError:
            # A full disk must not stop the process: what finds no room is dropped and counted.
            written = 0
        self._room -= written
        self._dropped += len(data) - written

    def close(self) -> int:
        """Take the rest, say in the log what was dropped, and return how many bytes that was."""
        while self.pump() and self._more():
            pass
        if self._dropped:
            self._room = 200
            dropped = self._dropped
            self._keep(f"\n[perijove: {dropped} bytes of output beyond the limit were not kept]\n".encode())
            return dropped
        return 0

    def _more(self) -> bool:
        return bool(select.select([self._pipe], [], [], 0)[0])


def _open_log(plan: Plan) -> int:
    """Append to the log. It may lie in a directory of the platform's account, so no link is followed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    folder, name = os.path.split(plan.log)
    above = open_resolved(folder)
    try:
        descriptor = os.open(name, flags, 0o640, dir_fd=above)
    finally:
        os.close(above)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise OSError(f"{plan.log} is no plain file")
    if plan.confine:
        os.fchown(descriptor, *plan.log_owner)
    return descriptor
