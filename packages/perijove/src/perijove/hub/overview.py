"""What the start page tells of a user's jobs and histories, asked of the history server in their name."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from perijove.core.errors import PerijoveError
from perijove.core.resources import format_size
from perijove.core.states import JobState
from perijove.hub.services import GALAXY_PREFIX, USE_GALAXY

TOKEN_NOTE = "the start page's own, for ten minutes"  # noqa: S105 (a note)
TOKEN_SECONDS = 600
# Longer than that a page should not be without an answer.
PATIENCE = 4.0
MOST_JOBS = 6
MOST_HISTORIES = 5
_SHOWN = "name,count,size,update_time,importable,published"
_UNDER_WAY = [state.value for state in JobState if not state.final]


class HistoriesAwayError(PerijoveError):
    """The history server does not answer, or not in time."""

    status = 503
    retry = True


@dataclass(frozen=True, kw_only=True)
class JobLine:
    """A job that has not ended; `percent` is None where it has not said how far it is."""

    name: str
    state: str
    percent: float | None
    told: str


@dataclass(frozen=True, kw_only=True)
class HistoryLine:
    """A history that changed lately."""

    name: str
    count: int
    size: str
    changed: str
    shared: bool


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What a user has under way, and what they worked with last. `more_jobs` are not in `jobs`."""

    jobs: list[JobLine]
    more_jobs: int
    histories: list[HistoryLine]


class HistoryServerView:
    """The history server as one hub asks it. Keys are short-lived, one per user, and never leave the hub."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}{GALAXY_PREFIX}"
        self._keys: dict[str, tuple[str, float]] = {}

    async def overview(self, user: Any) -> Overview:
        """HistoriesAwayError where there is no answer within a few seconds."""
        try:
            return await asyncio.wait_for(self._overview(user), PATIENCE)
        except (HTTPClientError, OSError, ValueError, TimeoutError) as error:
            self._keys.pop(user.name, None)
            raise HistoriesAwayError(
                "Jobs and histories cannot be looked up just now.", advice="Your labs are not affected."
            ) from error

    async def _overview(self, user: Any) -> Overview:
        running = urlencode([("state", state) for state in _UNDER_WAY])
        jobs, histories = await asyncio.gather(
            self._get(user, f"api/jobs?{running}&order_by=create_time&limit=200"),
            self._get(user, f"api/histories?limit={MOST_HISTORIES}&order=update_time-dsc&keys={_SHOWN}"),
        )
        shown = [self._get(user, f"api/jobs/{job['id']}") for job in jobs[:MOST_JOBS]]
        return Overview(
            jobs=[job_line(job) for job in await asyncio.gather(*shown)],
            more_jobs=max(0, len(jobs) - MOST_JOBS),
            histories=[history_line(history) for history in histories],
        )

    async def _get(self, user: Any, path: str) -> Any:
        request = HTTPRequest(
            self._base + path, headers={"x-api-key": self._key(user)}, request_timeout=PATIENCE
        )
        answer = await AsyncHTTPClient().fetch(request)
        return json.loads(answer.body)

    def _key(self, user: Any) -> str:
        key, until = self._keys.get(user.name, ("", 0.0))
        if until < time.monotonic():
            key = user.orm_user.new_api_token(
                note=TOKEN_NOTE, expires_in=TOKEN_SECONDS, scopes=["read:users!user", USE_GALAXY]
            )
            self._keys[user.name] = key, time.monotonic() + TOKEN_SECONDS / 2
        return key


def job_line(job: dict[str, Any]) -> JobLine:
    """One job of the API, in words."""
    live = job.get("perijove") or {}
    progress = live.get("progress") or {}
    return JobLine(
        name=str(job.get("name") or "Job"),
        state=str(job["state"]),
        percent=_percent(progress) if job["state"] == JobState.RUNNING else None,
        told=" · ".join(filter(None, _told(job["state"], live, progress))),
    )


def _percent(progress: dict[str, Any]) -> float | None:
    percent = progress.get("percent")
    if isinstance(percent, int | float):
        return min(100.0, max(0.0, float(percent)))
    return None


def _told(state: str, live: dict[str, Any], progress: dict[str, Any]) -> list[str]:
    if state != JobState.RUNNING:
        place = live.get("position")
        return [f"number {place} in the queue" if place else "", str(live.get("reason") or "")]
    epoch, epochs = progress.get("epoch"), progress.get("epochs")
    return [
        f"epoch {epoch} of {epochs}" if epoch and epochs else "",
        _left(progress.get("eta")),
        str(progress.get("message") or "")[:120],
    ]


def _left(seconds: Any) -> str:
    if not isinstance(seconds, int | float) or seconds < 0:
        return ""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute left"
    return f"about {minutes} min left" if minutes < 90 else f"about {round(minutes / 60)} h left"


def history_line(history: dict[str, Any]) -> HistoryLine:
    """One history of the API, in words."""
    return HistoryLine(
        name=str(history["name"]),
        count=int(history["count"]),
        size=format_size(int(history["size"])),
        changed=f"{datetime.fromisoformat(history['update_time']).isoformat(timespec='seconds')}Z",
        shared=bool(history["importable"] or history["published"]),
    )
