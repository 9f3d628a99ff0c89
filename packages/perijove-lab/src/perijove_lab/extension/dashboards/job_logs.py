"""A job's event files, copied for TensorBoard into a folder of the lab's own, and followed while it runs."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from perijove_lab.client.connection import Connection
from perijove_lab.client.errors import LabError, MissingError, TransferError
from perijove_lab.client.event_files import EventFile, look, read

EVERY_SECONDS = 5.0
FIRST_SECONDS = 10.0
"""How long the first copies may keep the user waiting; the rest comes while TensorBoard shows them."""
MOST_BYTES = 2 * 2**30
_END_SECONDS = 2.0
_YOUNG_SECONDS = 60.0

log = logging.getLogger(__name__)


class JobLogs:
    """The copy of one job's event files. Files are only appended to, as TensorBoard reads them.

    While the server is away nothing is lost: the copy goes on where it stopped.
    """

    def __init__(self, connection: Connection, job_id: str, folder: Path) -> None:
        self.job_id = job_id
        self.folder = folder
        self._connection = connection
        self._lock = _locked(folder)
        self._ending = threading.Event()
        self._first = threading.Event()
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name=f"logs of job {job_id}", daemon=True)

    @classmethod
    def follow(cls, connection: Connection, job_id: str, place: Path | None = None) -> JobLogs:
        """Begin with what there is. A job that has none yet is waited for.

        MissingError for a job that has ended without any, TransferError where nothing can be written here;
        else what `look` raises.
        """
        files, ended = look(connection, job_id)
        if ended and not files:
            raise MissingError(
                "This job has left no logs for TensorBoard.",
                advice="Let it write them below outputs/: what lies there is kept when a job ends.",
            )
        try:
            logs = cls(connection, job_id, _new_folder(place or _cache()))
        except OSError as error:
            raise TransferError(
                f"The job's logs cannot be copied into your home: {error.strerror}.",
                advice="Make room there, then open TensorBoard again.",
            ) from error
        logs._thread.start()
        logs._first.wait(FIRST_SECONDS)
        return logs

    def end(self) -> None:
        """Follow no more, and remove the copy."""
        self._ending.set()
        self._thread.join(_END_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                if self._catch_up():
                    return
            except MissingError as error:
                log.warning("job %s: %s", self.job_id, error.message)
                return
            except (LabError, OSError) as error:
                self._tell(str(error))
            finally:
                self._first.set()
            self._ending.wait(EVERY_SECONDS)

    def _tell(self, trouble: str) -> None:
        """Each trouble once: it may last for hours."""
        if trouble != self._trouble:
            self._trouble = trouble
            log.warning("the logs of job %s cannot be followed now: %s", self.job_id, trouble)

    def _catch_up(self) -> bool:
        """Copy what is new; whether that was all that will ever be."""
        files, ended = look(self._connection, self.job_id)
        room = MOST_BYTES
        whole = True
        for file in files:
            room -= file.size
            if room < 0:
                self._tell(f"there are more than {MOST_BYTES // 2**30} GiB of them")
                break
            whole = self._copy(file) and whole
        return ended and whole

    def _copy(self, file: EventFile) -> bool:
        """Append what is missing; false where some still is."""
        target = self.folder / file.path
        have = target.stat().st_size if target.exists() else 0
        if have >= file.size:
            return True
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(MissingError), target.open("ab") as copy:
            for piece in read(self._connection, file, have):
                if self._ending.is_set():
                    return False
                copy.write(piece)
        return target.stat().st_size >= file.size


def _cache() -> Path:
    return Path.home() / ".cache" / "perijove" / "tensorboard"


def _new_folder(place: Path) -> Path:
    """An empty folder for the lab's user alone; those of labs that were killed are removed."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in place.iterdir():
        with suppress(OSError):
            if time.time() - left.lstat().st_mtime < _YOUNG_SECONDS:
                continue  # perhaps not locked yet
            lock = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left)
            finally:
                os.close(lock)
    return Path(tempfile.mkdtemp(dir=place))


def _locked(folder: Path) -> int | None:
    """Held for as long as the folder is in use."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock
