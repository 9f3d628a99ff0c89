"""Job directories, done as root among files of a user and in a directory of the platform's account.

Both may be hostile, so nothing here follows a link: every step is relative to an open directory.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perijove.core.errors import BadRequestError, ConflictError, NotFoundError, StorageError
from perijove.sandbox.accounts import PlatformAccount
from perijove.sandbox.files import open_directory
from perijove.sandbox.spec import SANDBOX_ID, Account

PARTS = ("work", "out")
MAX_DEPTH = 100

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class JobDirectories:
    """The directories below `jobs`, handed to and fro between users and the platform's account."""

    def __init__(self, jobs: Path, platform: PlatformAccount) -> None:
        self._jobs = jobs
        self._platform = platform

    def make(self, job_id: str, owner: Account) -> Path:
        """See `Launcher.make_job_directory`."""
        with self._opened(job_id, make=True) as job:
            for name in PARTS:
                self._give(job, name, owner)
            os.fchown(job, self._platform.uid, self._platform.gid)
        return self._jobs / job_id

    def _give(self, job: int, name: str, owner: Account) -> None:
        _make_folder(job, name)
        with _folder(job, name) as part:
            if os.fstat(part).st_uid not in (0, owner.uid):
                raise ConflictError("The job's directory is another user's.", advice="Choose another id.")
            os.fchown(part, owner.uid, self._platform.gid)
            os.fchmod(part, 0o2770)

    def collect(self, job_id: str) -> tuple[str, ...]:
        """See `Launcher.collect_job_directory`. `work` changes hands last, so that a crash only repeats."""
        left_out: list[str] = []
        with self._opened(job_id) as job:
            owner = os.stat("work", dir_fd=job, follow_symlinks=False).st_uid
            for name in reversed(PARTS):
                with _folder(job, name) as part:
                    self._take(part, owner, name, left_out, depth=0)
                    os.fchmod(part, 0o750)
                    os.fchown(part, self._platform.uid, self._platform.gid)
        return tuple(left_out)

    def _take(self, folder: int, owner: int, path: str, left_out: list[str], *, depth: int) -> None:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            reason = self._take_one(folder, name, owner, f"{path}/{name}", left_out, depth)
            if reason:
                left_out.append(f"{path}/{name}: {reason}")

    def _take_one(
        self, folder: int, name: str, owner: int, path: str, left_out: list[str], depth: int
    ) -> str:
        """Hand over one entry; returns why it was left out, or nothing."""
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if found.st_uid not in (owner, self._platform.uid):
            return "it belongs to another account"
        if stat.S_ISLNK(found.st_mode):
            os.chown(name, self._platform.uid, self._platform.gid, dir_fd=folder, follow_symlinks=False)
            return ""
        if stat.S_ISREG(found.st_mode):
            self._hand_over(folder, name, _FILE, 0o640)
            return ""
        if not stat.S_ISDIR(found.st_mode):
            os.unlink(name, dir_fd=folder)
            return "neither a file nor a directory"
        if depth >= MAX_DEPTH:
            return f"more than {MAX_DEPTH} directories deep"
        with _folder(folder, name) as below:
            self._take(below, owner, path, left_out, depth=depth + 1)
        self._hand_over(folder, name, _FOLDER, 0o750)
        return ""

    def _hand_over(self, folder: int, name: str, flags: int, mode: int) -> None:
        """The mode first: giving a file away clears its set-uid bit, and keeps what was set here."""
        descriptor = os.open(name, flags, dir_fd=folder)
        try:
            os.fchmod(descriptor, mode)
            os.fchown(descriptor, self._platform.uid, self._platform.gid)
        finally:
            os.close(descriptor)

    def remove(self, job_id: str) -> None:
        """See `Launcher.remove_job_directory`."""
        try:
            with self._opened(job_id) as job:
                _empty(job)
        except NotFoundError:
            return
        with _jobs(self._jobs) as jobs:
            os.rmdir(job_id, dir_fd=jobs)

    @contextmanager
    def _opened(self, job_id: str, *, make: bool = False) -> Iterator[int]:
        if not re.match(SANDBOX_ID, job_id):
            raise BadRequestError(f"{job_id[:80]!r} is no id of a job.")
        with _jobs(self._jobs) as jobs:
            if make:
                _make_folder(jobs, job_id)
            with _folder(jobs, job_id) as job:
                yield job


@contextmanager
def _jobs(path: Path) -> Iterator[int]:
    descriptor = open_directory(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _folder(above: int, name: str) -> Iterator[int]:
    try:
        descriptor = os.open(name, _FOLDER, dir_fd=above)
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no directory {name}.") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _make_folder(above: int, name: str) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=above)
    except FileExistsError:
        return
    except OSError as error:
        raise StorageError(
            f"The directory {name} cannot be made: {error.strerror}.", advice="Is the disk full or read-only?"
        ) from error


def _empty(folder: int) -> None:
    """Delete all that a directory holds, however deep: what is nested is first lifted up to `folder`."""
    lifted = 0
    while names := os.listdir(folder):
        for name in names:
            if not _delete(folder, name):
                lifted = _lift(folder, name, lifted)


def _delete(folder: int, name: str) -> bool:
    """False for a directory that still holds something."""
    try:
        os.unlink(name, dir_fd=folder)
        return True
    except IsADirectoryError:
        pass
    try:
        os.rmdir(name, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:
            return False
        raise
    return True


def _lift(folder: int, name: str, lifted: int) -> int:
    """Empty one directory: what is not empty itself moves up under a new name. Returns the names used."""
    with _folder(folder, name) as below:
        for entry in os.listdir(below):
            if not _delete(below, entry):
                lifted += 1
                os.rename(entry, f".lifted.{os.getpid()}.{lifted}", src_dir_fd=below, dst_dir_fd=folder)
    os.rmdir(name, dir_fd=folder)
    return lifted
