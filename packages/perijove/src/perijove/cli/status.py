"""`perijove status`: what runs, and what of the machine is free."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from perijove.core.settings import Settings

app = typer.Typer()


@app.command("status")
def status(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show state, addresses, processes, labs, jobs and free resources. Exit code 3: not running."""
    import json

    from perijove.cli.client import settings_in_force

    found = gather(settings_in_force())
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        for line in lines(found):
            typer.echo(line)
    if found["state"] == "stopped":
        raise typer.Exit(3)


def gather(settings: Settings) -> dict[str, Any]:
    """All of it. `labs`, `jobs`, `total` and `free` are null where this account may not ask."""
    from perijove import __version__
    from perijove.supervisor.presence import is_supervised, read_presence

    supervised = is_supervised(settings.layout)
    found = read_presence(settings.layout) if supervised else None
    return {
        "state": found.state if found is not None else "starting" if supervised else "stopped",
        "version": found.version if found is not None else __version__,
        "hub_url": found.url if found is not None else settings.url,
        "galaxy_url": found.galaxy_url if found is not None else settings.galaxy_url,
        "home": str(settings.home),
        "single_user": settings.single_user,
        "pid": found.pid if found is not None else None,
        "since": found.since if found is not None else None,
        "processes": [process.model_dump() for process in found.processes] if found is not None else [],
        **_held(settings),
    }


def _held(settings: Settings) -> dict[str, Any]:
    from perijove.cli.client import launcher
    from perijove.core.errors import PerijoveError

    try:
        starter = launcher(settings)
        running = [entry for entry in starter.list() if entry.state == "running"]
        total, free = starter.total(), starter.free()
    except (PerijoveError, OSError):
        return dict.fromkeys(("labs", "jobs", "total", "free"))
    return {
        "labs": [_session(entry) for entry in running if entry.kind == "lab"],
        "jobs": [_session(entry) for entry in running if entry.kind == "job"],
        "total": total.model_dump(),
        "free": free.model_dump(),
    }


def _session(entry: Any) -> dict[str, Any]:
    return {
        "id": entry.id,
        "owner": entry.owner,
        "resources": entry.resources.model_dump(),
        "gpus": list(entry.gpus),
        "started": entry.started,
    }


def lines(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    shown = [f"state      {found['state']}", f"version    {found['version']}", f"home       {found['home']}"]
    if found["state"] != "stopped":
        shown += [f"hub        {found['hub_url']}", f"galaxy     {found['galaxy_url']}"]
    if found["single_user"]:
        shown.append("mode       single-user: nothing is confined")
    for process in found["processes"]:
        shown.append(f"process    {_process_line(process)}")
    for kind in ("labs", "jobs"):
        if found[kind] is not None:
            shown.append(f"{kind:<10} {len(found[kind])} running")
    if found["free"] is not None:
        shown.append(f"free       {_amount(found['free'])} of {_amount(found['total'])}")
    return shown


def _process_line(process: dict[str, Any]) -> str:
    again = f", started again {process['restarts']} times" if process["restarts"] else ""
    return (
        f"{process['name']:<10} {'ready' if process['ready'] else 'not ready'} (pid {process['pid']}{again})"
    )


def _amount(amount: dict[str, Any]) -> str:
    from perijove.core.resources import format_size

    memory = format_size(max(0, amount["memory"]))
    return f"{amount['cpus']:g} CPUs, {memory}, {amount['gpus']} GPUs"
