"""Texts of an RO-Crate: its README, the lock of a job's environment, what became of a job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from perijove.histories.archives.content import ArchivedHistory, ArchivedJob

_README = """\
# {name}

A history of Perijove, as an RO-Crate (https://w3id.org/ro/crate): `ro-crate-metadata.json` says what every
file is, which job made it, from what, with which packages and resources, and when. `environments/` holds what
`pip install -r` reads to make a job's environment again. Perijove and Galaxy import it as a history.
"""


def readme(history: ArchivedHistory) -> str:
    """What people read first."""
    return _README.format(name=history.name)


def lock(job: ArchivedJob) -> str:
    """The packages of the environment that the job ran in, as `pip install -r` reads them; or nothing."""
    packages = job.provenance.get("packages")
    if not isinstance(packages, dict) or not packages:
        return ""
    lines = [
        f"{name}=={version}" for name, version in sorted(packages.items(), key=lambda one: one[0].lower())
    ]
    return "".join(f"{line}\n" for line in (f"# Python {job.provenance.get('python', '?')}", *lines))


def story(name: str, starts: Sequence[datetime], ends: Sequence[datetime], *, failed: bool) -> str:
    """An action in a sentence."""
    when = f", from {moment(min(starts))} to {moment(max(ends))}" if starts and ends else ""
    return f"{name}: {'failed' if failed else 'completed'}{when}."


def why(job: ArchivedJob) -> str:
    """Why a job failed."""
    error = job.error or {}
    reason = f"{error.get('type', '')} {error.get('message', '')}".strip()
    return f"{job.name or job.tool_id}: {reason or job.state}"


def moment(time: datetime) -> str:
    """A time as JSON-LD has it."""
    return time.replace(tzinfo=UTC, microsecond=0).isoformat()
