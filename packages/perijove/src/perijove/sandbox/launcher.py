"""The contract of a launcher: the one way in which the platform starts labs and jobs.

Who may read what, so that the platform (account `perijove`) never needs root:

- **Homes** (`account`): `homes/<name>`, mode 0700, the user's uid.
- **Job directories** (`make_job_directory`): `jobs/<id>` belongs to the platform, mode 0700, and the
  platform writes `job.json`, `code/` and the like there itself (files 0644, directories 0755: the
  session's uid reads them through the sandbox). `work/` and `out/` belong to the user, group the
  platform's, mode 2770: while the job runs, the platform can look into them. A hostile user owns them, so
  open what lies there with `perijove.sandbox.files.open_beneath`, which follows no link and opens nothing
  but regular files. When the job has ended, `collect_job_directory` hands everything to the platform:
  from then on it may be read, renamed into `datasets/` and removed like its own. `remove_job_directory`
  works at any time after the end.
- **Datasets**: files 0444 in a tree of mode 0700, both the platform's own. Sandboxes get them by a
  read-only mount; the launcher opens the source as root, so the session's uid must be able to read the
  file itself but need not reach it: no other account of the host, and no other sandbox, can.
- **Environments**: mode 0755 all through.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from perijove.core.resources import Free, Resources
from perijove.sandbox.spec import Account, SandboxSpec, SandboxStatus, Usage


class Launcher(ABC):
    """Starts confined processes and keeps the ledger of CPUs, memory and GPUs that they hold.

    A started process outlives the platform: after a restart (or a kill -9) of whoever called `start`, the
    same id gives the same status. All methods may be called from any thread.
    """

    confines: bool = True
    """False in single-user mode. Then nothing is mounted and inside is outside: write real paths into
    `argv`, `env`, `cwd` and `job.json`, and give `Inbound` the same port on both sides. `Outbound` ports
    work."""

    @abstractmethod
    def start(self, spec: SandboxSpec) -> SandboxStatus:
        """Claim `spec.resources` and start the process, fully confined, or do neither.

        Returns when the process runs: every mount, limit and the network are in place and its program was
        executed. Raises InsufficientResourcesError (nothing started; `retry` says whether it could ever
        fit), ConfinementError (the confinement asked for cannot be had, or the program cannot be
        executed), ConflictError (the id was started before), ForbiddenError (a uid, path or port that is
        not the owner's).
        """

    @abstractmethod
    def status(self, sandbox_id: str) -> SandboxStatus:
        """What became of it. NotFoundError for an id never started, or forgotten."""

    @abstractmethod
    def usage(self, sandbox_id: str) -> Usage | None:
        """What it uses now; None where it has ended or nothing measures it. NotFoundError as `status`."""

    @abstractmethod
    def stop(self, sandbox_id: str, *, grace: float = 10.0) -> SandboxStatus:
        """SIGTERM to the started program, after `grace` seconds SIGKILL to everything in the sandbox.

        Returns when nothing of it is left; at once when it had ended before. NotFoundError as `status`.
        """

    @abstractmethod
    def forget(self, sandbox_id: str) -> None:
        """Drop the record of an ended process; harmless when there is none. ConflictError while it runs."""

    @abstractmethod
    def list(self) -> list[SandboxStatus]:
        """Every process on record, running or ended."""

    @abstractmethod
    def total(self) -> Resources:
        """What the machine has to grant."""

    @abstractmethod
    def free(self) -> Free:
        """What nobody holds now."""

    @abstractmethod
    def account(self, user: str) -> Account:
        """The uid, gid and private home of `user`, made at the first call and the same ever after.

        Any name of 1 to 255 characters is accepted; a uid is never given to a second name.
        """

    @abstractmethod
    def make_job_directory(self, job_id: str, owner: str) -> Path:
        """Make `jobs/<id>` with its `work` and `out` (see above) and return it; harmless when it is there.

        ConflictError when the directory is another owner's.
        """

    @abstractmethod
    def collect_job_directory(self, job_id: str) -> tuple[str, ...]:
        """Hand `work` and `out` to the platform once the job has ended; harmless when done before.

        Pipes, sockets and devices are removed; links stay as they are (they are never outputs). Returns the
        paths, relative to the job directory, that were left out, each with its reason. ConflictError
        while a sandbox still has the directory mounted, NotFoundError when there is none.
        """

    @abstractmethod
    def remove_job_directory(self, job_id: str) -> None:
        """Delete it and all it holds; harmless when there is none. ConflictError as above."""
