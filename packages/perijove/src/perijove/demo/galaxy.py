"""The user's jobs and results over the Galaxy API, from outside the lab, with the user's own key."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from pydantic import SecretStr

from perijove.core.errors import EngineError, NotFoundError
from perijove.core.states import JobState
from perijove.demo.browser import TIMEOUT, checked

_PATIENCE = 120.0  # seconds without an answer; the platform may restart meanwhile


@dataclass(frozen=True, kw_only=True)
class Galaxy:
    """The history server at `url`."""

    url: str
    token: SecretStr

    def get(self, path: str) -> Any:
        """What `GET /api/…` answers, as JSON."""
        return json.loads(self.content(path))

    def content(self, path: str) -> bytes:
        """What `GET /api/…` answers, as it is."""
        headers = {"x-api-key": self.token.get_secret_value()}
        answer = requests.get(f"{self.url}/api/{path}", headers=headers, timeout=TIMEOUT)
        checked(answer)
        return answer.content

    def wait(
        self, job_id: str, show: Callable[[dict[str, Any]], None], *, pause: float = 1.0
    ) -> dict[str, Any]:
        """Wait until the job has ended well: its details. EngineError with its own error and log else."""
        while True:
            job = self._persevering(f"jobs/{job_id}?full=true")
            show(job)
            if JobState(job["state"]).final:
                break
            time.sleep(pause)
        if job["state"] != JobState.OK:
            raise EngineError(f"the job ended as {job['state']}: {_why(job)}", advice=_advice(job))
        return dict(job)

    def _persevering(self, path: str) -> Any:
        """A platform that is away for a while is asked again: the job goes on."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return self.get(path)
            except requests.RequestException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(2)

    def report(self, job: dict[str, Any]) -> dict[str, Any]:
        """The job's report: differences of the models, provenance, what could not be saved."""
        output = job["outputs"].get("report")
        if output is None:
            raise NotFoundError("The job has no report among its outputs.")
        return dict(self.get(f"datasets/{output['id']}/display"))

    def element(self, job: dict[str, Any], collection: str, identifier: str) -> bytes:
        """The content of one element of one of the job's collections."""
        made = job["output_collections"].get(collection)
        if made is None:
            raise NotFoundError(f"The job has made no collection {collection}.")
        shown = self.get(f"dataset_collections/{made['id']}?instance_type=history")
        for element in shown["elements"]:
            if element["element_identifier"] == identifier:
                return self.content(f"datasets/{element['object']['id']}/display")
        there = ", ".join(element["element_identifier"] for element in shown["elements"])
        raise NotFoundError(f"The collection {collection} has no {identifier}; it has: {there or 'nothing'}.")

    def purge_histories(self) -> None:
        """Remove all histories of this user for good."""
        headers = {"x-api-key": self.token.get_secret_value()}
        for history in self.get("histories"):
            url = f"{self.url}/api/histories/{history['id']}"
            checked(requests.delete(url, json={"purge": True}, headers=headers, timeout=TIMEOUT))


def standing(job: dict[str, Any]) -> str:
    """Where the job stands, in one line."""
    extra = job.get("perijove") or {}
    progress = extra.get("progress") or {}
    parts = [str(job["state"])]
    if progress.get("epoch") is not None:
        parts.append(f"epoch {progress['epoch']}/{progress.get('epochs', '?')}")
    parts += [f"{name} {value:.3f}" for name, value in (progress.get("metrics") or {}).items()]
    if extra.get("reason") and job["state"] in (JobState.NEW, JobState.QUEUED):
        parts.append(str(extra["reason"]))
    return ", ".join(parts)


def percent(job: dict[str, Any]) -> float | None:
    """How far the job has come, where it says."""
    found = ((job.get("perijove") or {}).get("progress") or {}).get("percent")
    return float(found) if isinstance(found, int | float) else None


def _why(job: dict[str, Any]) -> str:
    error = (job.get("perijove") or {}).get("error") or {}
    if error.get("message"):
        return f"{error.get('type', 'error')}: {error['message']}"
    lines = str(job.get("tool_stderr") or job.get("stderr") or "").strip().splitlines()
    return lines[-1] if lines else "it left no message"


def _advice(job: dict[str, Any]) -> str:
    error = (job.get("perijove") or {}).get("error") or {}
    return str(
        error.get("advice") or f"The executed notebook and the log of job {job['id']} show how far it came."
    )
