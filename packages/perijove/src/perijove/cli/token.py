"""`perijove token NAME`."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer()


@app.command("token")
def token(name: Annotated[str, typer.Argument(help="The person it acts for.")]) -> None:
    """Print an API key that BioBlend can use at galaxy_url; only the key goes to standard output."""
    from perijove.cli.client import key_for, settings_in_force

    settings = settings_in_force()
    key = key_for(name, settings)
    typer.echo(f"url: {settings.galaxy_url}", err=True)
    typer.echo(key)
