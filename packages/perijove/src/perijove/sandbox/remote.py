"""The launcher, asked over its socket. For accounts that are not root."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

from perijove.core.errors import ConfinementError, NotFoundError
from perijove.core.resources import Free, Resources
from perijove.sandbox.launcher import Launcher
from perijove.sandbox.spec import Account, SandboxSpec, SandboxStatus, Usage
from perijove.sandbox.wire import decode, encode, travelled_error

RESTART_SECONDS = 20.0
ANSWER_SECONDS = 120.0


class _CutOffError(Exception):
    """The connection ended before the answer came: what was asked for may have been done, or not."""


class RemoteLauncher(Launcher):
    """The same contract and errors. A daemon that restarts is waited for, `patience` seconds at most.

    ConfinementError (retry) where it does not come back.
    """

    def __init__(self, path: Path, *, patience: float = RESTART_SECONDS) -> None:
        self._path = path
        self._patience = patience

    def start(self, spec: SandboxSpec) -> SandboxStatus:
        """See `Launcher`. A start whose answer was lost is looked up before it is asked for again."""
        asked = {"spec": spec.model_dump(mode="json")}
        while True:
            try:
                return SandboxStatus.model_validate(self._ask("start", asked))
            except _CutOffError:
                try:
                    return self.status(spec.id)
                except NotFoundError:
                    continue

    def status(self, sandbox_id: str) -> SandboxStatus:
        """See `Launcher`."""
        return SandboxStatus.model_validate(self._ask_again("status", {"sandbox_id": sandbox_id}))

    def usage(self, sandbox_id: str) -> Usage | None:
        """See `Launcher`."""
        found = self._ask_again("usage", {"sandbox_id": sandbox_id})
        return None if found is None else Usage.model_validate(found)

    def stop(self, sandbox_id: str, *, grace: float = 10.0) -> SandboxStatus:
        """See `Launcher`."""
        asked = {"sandbox_id": sandbox_id, "grace": grace}
        return SandboxStatus.model_validate(self._ask_again("stop", asked, seconds=grace + ANSWER_SECONDS))

    def forget(self, sandbox_id: str) -> None:
        """See `Launcher`."""
        self._ask_again("forget", {"sandbox_id": sandbox_id})

    def list(self) -> list[SandboxStatus]:
        """See `Launcher`."""
        return [SandboxStatus.model_validate(status) for status in self._ask_again("list", {})]

    def total(self) -> Resources:
        """See `Launcher`."""
        return Resources.model_validate(self._ask_again("total", {}))

    def free(self) -> Free:
        """See `Launcher`."""
        return Free.model_validate(self._ask_again("free", {}))

    def account(self, user: str) -> Account:
        """See `Launcher`."""
        return Account.model_validate(self._ask_again("account", {"user": user}))

    def make_job_directory(self, job_id: str, owner: str) -> Path:
        """See `Launcher`."""
        return Path(self._ask_again("make_job_directory", {"job_id": job_id, "owner": owner}))

    def collect_job_directory(self, job_id: str) -> tuple[str, ...]:
        """See `Launcher`."""
        return tuple(self._ask_again("collect_job_directory", {"job_id": job_id}))

    def remove_job_directory(self, job_id: str) -> None:
        """See `Launcher`."""
        self._ask_again("remove_job_directory", {"job_id": job_id})

    def _ask_again(self, method: str, params: dict[str, Any], *, seconds: float = ANSWER_SECONDS) -> Any:
        """For what may be done twice without harm."""
        while True:
            try:
                return self._ask(method, params, seconds=seconds)
            except _CutOffError:
                continue

    def _ask(self, method: str, params: dict[str, Any], *, seconds: float = ANSWER_SECONDS) -> Any:
        with self._connect() as connection:
            connection.settimeout(seconds)
            try:
                connection.sendall(encode({"method": method, "params": params}))
                with connection.makefile("rb") as answer:
                    said = decode(answer.readline())
            except TimeoutError as error:
                raise _away(f"did not answer within {seconds:g} seconds") from error
            except (OSError, ValueError) as error:
                raise _CutOffError from error
        if "error" in said:
            raise travelled_error(said["error"])
        return said["result"]

    def _connect(self) -> socket.socket:
        deadline = time.monotonic() + self._patience
        while True:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(str(self._path))
                return connection
            except OSError as error:
                connection.close()
                if isinstance(error, PermissionError) or time.monotonic() > deadline:
                    raise _away(f"cannot be reached: {error.strerror}") from error
            time.sleep(0.1)


def _away(what: str) -> ConfinementError:
    return ConfinementError(
        f"The launcher {what}.", advice="Does the platform run? `perijove status` tells.", retry=True
    )
