"""`perijove down`: stop the platform; labs and jobs go on unless --all is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.core.settings import Settings
    from perijove.sandbox.spec import SandboxStatus

app = typer.Typer()


@app.command("down")
def down(
    everything: Annotated[bool, typer.Option("--all", help="End labs and jobs too.")] = False,
) -> None:
    """Stop the platform. Labs and jobs go on and are found again by the next start."""
    from perijove.cli.client import settings_in_force
    from perijove.supervisor.stop import stop_platform

    settings = settings_in_force()
    stopped = stop_platform(settings.layout)
    typer.echo("Perijove has stopped." if stopped else "Perijove was not running.")
    if everything:
        _end_all(settings)
    else:
        _say_what_goes_on(settings)


def _end_all(settings: Settings) -> None:
    from perijove.cli.client import launcher

    starter = launcher(settings)
    running = [found for found in starter.list() if found.state == "running"]
    for found in running:
        starter.stop(found.id)
    typer.echo(f"Ended: {_count(running)}.")


def _say_what_goes_on(settings: Settings) -> None:
    from perijove.cli.client import launcher
    from perijove.core.errors import PerijoveError

    try:
        running = [found for found in launcher(settings).list() if found.state == "running"]
    except (PerijoveError, PermissionError):
        return
    if running:
        typer.echo(
            f"{_count(running)} go on; `perijove down --all` ends them, `perijove up` finds them again."
        )


def _count(running: Sequence[SandboxStatus]) -> str:
    kinds = [found.kind for found in running]
    labs, jobs = kinds.count("lab"), kinds.count("job")
    return f"{labs} lab{'' if labs == 1 else 's'} and {jobs} job{'' if jobs == 1 else 's'}"
