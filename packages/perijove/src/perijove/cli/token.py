"""`perijove token NAME`."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer()


@app.command("token")
def token(name: Annotated[str, typer.Argument(help="The person it acts for.")]) -> None:
    """Print an API key that BioBlend can use at galaxy_url; only the key goes to standard output."""
    from perijove.cli.client import admin_client, settings_in_force
    from perijove.core.errors import NotFoundError

    settings = settings_in_force()
    client = admin_client(settings)
    if name not in {person["name"] for person in client.people() if person["approved"]}:
        raise NotFoundError(
            f"Nobody named {name} has access.",
            advice="`perijove user list` shows everybody; `user add` lets them in.",
        )
    key = client.new_token(name)
    typer.echo(f"url: {settings.galaxy_url}", err=True)
    typer.echo(key)
