"""`perijove histories`: list and inspect histories."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="List and inspect histories.", rich_markup_mode=None)

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
_COLUMNS = ("id", "name", "user", "datasets", "size", "updated")
_CONTENTS = ("number", "id", "name", "type", "state")


@app.command("list")
def list_histories(
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, last changed first.")] = 50,
    as_json: Json = False,
) -> None:
    """List everybody's histories, the last changed first."""
    from perijove.cli.galaxy import galaxy

    with galaxy() as server:
        found = server.get("/api/histories", all=True, view="detailed", limit=limit, order="update_time-dsc")
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    elif found:
        _print_histories(found)
    else:
        typer.echo("No histories.", err=True)


def _print_histories(found: list[dict[str, Any]]) -> None:
    from perijove.cli.tables import print_table
    from perijove.core.resources import format_size

    rows = [
        (
            history["id"],
            history["name"],
            str(history.get("username") or ""),
            str(history.get("count", "")),
            format_size(int(history.get("size") or 0)),
            history["update_time"][:16].replace("T", " "),
        )
        for history in found
    ]
    print_table(_COLUMNS, rows)


@app.command("show")
def show(
    history_id: Annotated[str, typer.Argument(help="The history's id, as `histories list` shows it.")],
    as_json: Json = False,
) -> None:
    """Show a history and what it holds."""
    from perijove.cli.galaxy import galaxy
    from perijove.cli.tables import print_table

    with galaxy() as server:
        history = server.get(f"/api/histories/{history_id}")
        contents = server.get(f"/api/histories/{history_id}/contents", limit=10_000)
    if as_json:
        typer.echo(json.dumps({**history, "contents": contents}, indent=1))
        return
    typer.echo(f"{history['name']} ({history['id']})")
    rows = [
        (
            str(one["hid"]),
            one["id"],
            one["name"],
            one.get("extension") or one.get("collection_type") or "",
            one.get("state") or one.get("populated_state") or "",
        )
        for one in contents
        if not one["deleted"] and one["visible"]
    ]
    print_table(_CONTENTS, rows)
