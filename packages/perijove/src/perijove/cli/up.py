"""`perijove up`: install what is missing, start everything, and stay with it."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer()


@app.command("up")
def up(
    detach: Annotated[bool, typer.Option("--detach", help="Run in the background once ready.")] = False,
    single_user: Annotated[
        bool, typer.Option("--single-user", help="For one person on a laptop: nothing is confined.")
    ] = False,
) -> None:
    """Start the platform. Prints one line: the address and, for the first administrator, a sign-in link."""
    from perijove.core.settings import load_settings
    from perijove.supervisor.detach import run_detached
    from perijove.supervisor.platform import run_here

    settings = load_settings(single_user=True) if single_user else load_settings()
    run = run_detached if detach else run_here
    run(settings, announce=typer.echo, report=lambda line: typer.echo(line, err=True))
