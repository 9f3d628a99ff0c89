"""`perijove galaxy`: link people's accounts of a Galaxy."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Link people's accounts of a Galaxy.", rich_markup_mode=None)
_Name = Annotated[str, typer.Argument(help="The person.")]


@app.command("link")
def link(
    name: _Name,
    url: Annotated[str, typer.Option("--url", help="The Galaxy; one of the setting jobs.galaxies.")],
) -> None:
    """Link NAME's account; its API key is read from standard input. The key is tried at once."""
    import getpass
    import sys

    from perijove.cli.history_server import history_server

    person = approved(name)
    key = getpass.getpass("API key of that Galaxy: ") if sys.stdin.isatty() else sys.stdin.readline()
    with history_server(person) as server:
        made = server.put("/api/users/current/galaxy", {"url": url, "key": key.strip()})
    typer.echo(f"{name} sends jobs to {made['url']} as {made['user']}.", err=True)


@app.command("unlink")
def unlink(name: _Name) -> None:
    """Forget NAME's account and its key. Jobs under way there wait until an account is linked again."""
    from perijove.cli.history_server import history_server

    with history_server(approved(name)) as server:
        was_linked = server.delete("/api/users/current/galaxy")
    typer.echo(f"{name} has no account linked{'' if was_linked else ', and had none'}.", err=True)


def approved(name: str) -> str:
    """The name of a person with access. NotFoundError else: a key is not made for anybody else."""
    from perijove.cli.client import admin_client, settings_in_force
    from perijove.core.errors import NotFoundError

    people = admin_client(settings_in_force()).people()
    if name not in {person["name"] for person in people if person["approved"]}:
        raise NotFoundError(
            f"Nobody named {name} has access.", advice="`perijove user list` shows everybody."
        )
    return name
