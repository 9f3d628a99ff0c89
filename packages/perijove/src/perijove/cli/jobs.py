"""`perijove jobs`: list, follow and cancel jobs."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="List, follow and cancel jobs.", rich_markup_mode=None)

JobId = Annotated[str, typer.Argument(help="The job's id, as `jobs list` shows it.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
_LOG_PART = 2**20
_COLUMNS = ("id", "state", "user", "name", "created")


@app.command("list")
def list_jobs(
    state: Annotated[
        list[str] | None, typer.Option("--state", help="Only jobs in this state; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List everybody's jobs, newest first."""
    from perijove.cli.history_server import history_server

    with history_server() as server:
        found = server.get(
            "/api/jobs",
            tool_id="run_jupyter_job",
            state=state or None,
            limit=limit,
            user_details=True,
            order_by="create_time",
        )
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    elif found:
        _print_table(found)
    else:
        typer.echo("No jobs.", err=True)


def _print_table(found: list[dict[str, Any]]) -> None:
    from perijove.cli.tables import print_table

    rows = [
        (
            job["id"],
            job["state"],
            str(job["user_email"] or "").removesuffix("@users.invalid"),
            job["name"] or "",
            job["create_time"][:16].replace("T", " "),
        )
        for job in found
    ]
    print_table(_COLUMNS, rows)


@app.command("show")
def show(job_id: JobId, as_json: Json = False) -> None:
    """Show how a job stands: why it waits, how far it is, what it uses, why it failed."""
    from perijove.cli.history_server import history_server

    with history_server() as server:
        job = server.get(f"/api/jobs/{job_id}")
    if as_json:
        typer.echo(json.dumps(job, indent=1))
        return
    for line in lines(job):
        typer.echo(line)


def lines(job: dict[str, Any]) -> list[str]:
    """A job for people, one fact a line; what is not known is left out."""
    live = job["perijove"]
    error = live["error"] or {}
    facts = {
        "job": f"{job['id']} {job['name'] or ''}".strip(),
        "state": job["state"],
        "waits": live["reason"],
        "place": live["position"],
        "progress": _progress(live["progress"]),
        "granted": _granted(live),
        "uses": _used(live),
        "error": error.get("message"),
        "advice": error.get("advice"),
        "created": job["create_time"][:19].replace("T", " "),
    }
    return [f"{name:<10} {value}" for name, value in facts.items() if value not in (None, "")]


def _progress(progress: dict[str, Any]) -> str:
    parts = [f"{progress['percent']:g} %"] if "percent" in progress else []
    if "epoch" in progress:
        parts.append(f"epoch {progress['epoch']:g} of {progress.get('epochs', '?')}")
    parts += [f"{name} {value:.4g}" for name, value in progress.get("metrics", {}).items()]
    return ", ".join(parts)


def _granted(live: dict[str, Any]) -> str:
    from perijove.core.resources import Resources

    return str(Resources.model_validate(live["resources"])) if live["resources"] else ""


def _used(live: dict[str, Any]) -> str:
    from perijove.core.resources import format_size

    used = live["usage"]
    if not used:
        return ""
    gpus = [f"GPU {gpu['index']} {gpu['percent']:g} %" for gpu in used["gpus"]]
    return ", ".join([format_size(used["memory"]), f"{used['cpu_seconds']:.0f} CPU seconds", *gpus])


@app.command("log")
def log(
    job_id: JobId,
    tail: Annotated[int, typer.Option("--tail", min=0, help="Only so many last bytes; 0: all.")] = 0,
) -> None:
    """Print what a job wrote to standard output and error."""
    from perijove.cli.history_server import history_server

    offset = -tail
    with history_server() as server:
        while True:
            text, headers = server.text(f"/api/jobs/{job_id}/log", offset=offset, limit=_LOG_PART)
            sys.stdout.write(text)
            offset = int(headers["x-next-offset"])
            if not text or offset >= int(headers["x-size"]):
                return


@app.command("cancel")
def cancel(job_id: JobId) -> None:
    """Cancel a job; what its executed notebook holds so far is kept."""
    from perijove.cli.history_server import history_server

    with history_server() as server:
        asked = server.delete(f"/api/jobs/{job_id}")
    typer.echo("It is being cancelled." if asked else "It had ended before.", err=True)
