"""`perijove user`: add and list people."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Add and list people.", rich_markup_mode=None)


@app.command("add")
def add(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="The names to sign in with.")],
    admin: Annotated[bool, typer.Option("--admin", help="Make them administrators.")] = False,
) -> None:
    """Let people in: prints a one-time link for each, to set a password and sign in with.

    For one name the link alone; for several, a line `NAME,LINK` each, as a spreadsheet reads it.
    """
    from perijove.cli.client import admin_client, settings_in_force

    client = admin_client(settings_in_force())
    for name in names:
        link = client.add_user(name, admin=admin)
        typer.echo(f"{name},{link}" if len(names) > 1 else link)
    whom = names[0] if len(names) == 1 else "its person"
    typer.echo(f"Give each link to {whom}: it works once, and ends after a day or with the next.", err=True)


@app.command("list")
def list_people(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List everybody; those who wait for approval first."""
    import json

    from perijove.cli.client import admin_client, settings_in_force

    people = admin_client(settings_in_force()).people()
    if as_json:
        typer.echo(json.dumps(people, indent=1))
        return
    for person in people:
        marks = [mark for mark in ("admin",) if person[mark]]
        marks += ["" if person["approved"] else "waits for approval"]
        typer.echo(f"{person['name']:<24} {', '.join(filter(None, marks))}".rstrip())
    if not people:
        typer.echo("Nobody yet. `perijove user add NAME --admin` makes the first.", err=True)
