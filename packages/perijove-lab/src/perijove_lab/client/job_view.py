"""One job as people follow it, the same whether Perijove's server or a Galaxy has it.

What a Galaxy does not say is None or empty. Nothing here waits for a job.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from perijove_lab.client import on_galaxy
from perijove_lab.client.connection import Connection
from perijove_lab.client.errors import MissingError, RefusedError
from perijove_lab.client.outputs import outputs_of
from perijove_lab.client.submission import TOOL, job_id
from perijove_lab.client.watch import FINAL

SERIES_POINTS = 500
_LIVE: dict[str, Any] = {
    "reason": "",
    "position": None,
    "progress": {},
    "resources": None,
    "gpus": [],
    "usage": None,
    "metrics": {},
    "error": None,
    "unsaved": [],
    "network": None,
    "time_limit": None,
    "cancel_requested": False,
    "queued": None,
    "started": None,
    "ended": None,
}
_SHOWN = ("id", "state", "tool_id", "history_id", "create_time", "update_time")


def view(connection: Connection, wanted: str) -> dict[str, Any]:
    """The job: `id`, `name`, `state`, times, `inputs`, `outputs`, `galaxy`; under `live` how it stands."""
    details = described(connection, wanted)
    galaxy = not connection.is_perijove
    live = _galaxy_live(connection, details) if galaxy else dict(details.get("perijove") or {})
    return {
        **{name: details.get(name) for name in _SHOWN},
        "name": details.get("name") or _given_name(details) or details.get("tool_id") or TOOL,
        "galaxy": galaxy,
        "live": _LIVE | {name: live[name] for name in _LIVE if name in live},
        "inputs": _entries(details.get("inputs")),
        "outputs": _entries(details.get("outputs")) + _entries(details.get("output_collections")),
    }


def log(connection: Connection, wanted: str, *, offset: int, limit: int) -> dict[str, Any]:
    """Part of what the job wrote (`text`), and where to go on (`next`, bytes).

    A negative offset counts from the end.
    """
    if connection.is_perijove:
        params = {"offset": offset, "limit": limit}
        answer = connection.request("GET", f"api/jobs/{wanted}/log", params=params)
        text = answer.content.decode("utf-8", "replace")
        return {"text": text, "next": int(answer.headers.get("x-next-offset", 0))}
    written = on_galaxy.people_lines(_printed(connection, described(connection, wanted))).encode()
    start = max(0, len(written) + offset) if offset < 0 else offset
    part = written[start : start + limit]
    return {"text": part.decode("utf-8", "replace"), "next": start + len(part)}


def series(connection: Connection, wanted: str) -> list[dict[str, Any]]:
    """The metrics over time: `time`, `epoch`, `percent`, `metrics`; at most `SERIES_POINTS` of them."""
    if connection.is_perijove:
        found = connection.json(f"api/jobs/{wanted}/progress/series", points=SERIES_POINTS)
        return list(found)
    told = on_galaxy.progress_lines(_printed(connection, described(connection, wanted)))
    points = [one for one in told if isinstance(one.get("metrics"), dict)]
    return points[:: max(1, -(-len(points) // SERIES_POINTS))]


def notebook(connection: Connection, wanted: str) -> bytes:
    """The executed notebook; of a Galaxy's job when it has ended. MissingError while there is none."""
    if connection.is_perijove:
        return connection.request("GET", f"api/jobs/{wanted}/notebook").content
    details = described(connection, wanted)
    if details.get("state") not in FINAL:
        raise MissingError(
            "A Galaxy shows the executed notebook when the job has ended.", advice="Its log is there now."
        )
    made = outputs_of(connection, details).notebook
    return connection.request("GET", f"api/datasets/{made.id}/display").content


def run_again(connection: Connection, wanted: str) -> str:
    """Submit the same notebook with the same inputs and parameters; the new job's id."""
    with connection.translated():
        answer = connection.gi.jobs.rerun_job(wanted)
    if not answer:
        raise RefusedError("The server does not run this job again.", advice="Send the notebook anew.")
    return job_id(answer, TOOL)


def described(connection: Connection, wanted: str) -> dict[str, Any]:
    """All that the server says of the job."""
    full = {} if connection.is_perijove else {"full": "true"}
    found = connection.json(f"api/jobs/{wanted}", **full)
    return dict(found)


def _given_name(details: Mapping[str, Any]) -> str:
    """The name that a Galaxy's job was sent with: it stands among the tool's parameters, as JSON."""
    try:
        found = json.loads(str((details.get("params") or {}).get("name") or "null"))
    except ValueError:
        return ""
    return found if isinstance(found, str) else ""


def _entries(named: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Name, kind and id of each dataset or collection."""
    return [
        {"name": name, "src": entry.get("src") or "hda", "id": entry["id"]}
        for name, entry in (named or {}).items()
        if on_galaxy.is_output(name)
    ]


def _galaxy_live(connection: Connection, details: Mapping[str, Any]) -> dict[str, Any]:
    live: dict[str, Any] = {"progress": {}, "reason": on_galaxy.held_by(connection, details)}
    for told in on_galaxy.progress_lines(_printed(connection, details)):
        live["progress"] |= told
    if details.get("state") == "error":
        live["error"] = on_galaxy.error(details) or _last_words(details)
    measured = {str(one.get("name")): one.get("raw_value") for one in details.get("job_metrics") or []}
    live["metrics"] = {name: float(measured[name]) for name in ("runtime_seconds",) if measured.get(name)}
    return live


def _last_words(details: Mapping[str, Any]) -> dict[str, Any]:
    lines = on_galaxy.people_lines(str(details.get("tool_stderr") or details.get("stderr") or "")).split("\n")
    said = next((line for line in reversed(lines) if line.strip()), "The job failed and did not say why.")
    return {"message": said[:1000]}


def _printed(connection: Connection, details: Mapping[str, Any]) -> str:
    """What the job wrote so far; empty where this Galaxy does not show it while a job runs."""
    if details.get("state") == "running":
        return on_galaxy.console_text(connection, str(details["id"]))
    parts = [str(details.get(name) or "") for name in ("tool_stdout", "tool_stderr")]
    if not any(parts):
        parts = [str(details.get(name) or "") for name in ("stdout", "stderr")]
    return "\n".join(filter(None, parts))
