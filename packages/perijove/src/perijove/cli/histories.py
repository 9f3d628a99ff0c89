"""`perijove histories`: list, inspect, export and import histories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    no_args_is_help=True, help="List, inspect, export and import histories.", rich_markup_mode=None
)

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
HistoryId = Annotated[str, typer.Argument(help="The history's id, as `histories list` shows it.")]
_ENDINGS = ("rocrate.zip", "tar.gz", "tar")
_COLUMNS = ("id", "name", "user", "datasets", "size", "updated")
_CONTENTS = ("number", "id", "name", "type", "state")


@app.command("list")
def list_histories(
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, last changed first.")] = 50,
    as_json: Json = False,
) -> None:
    """List everybody's histories, the last changed first."""
    from perijove.cli.history_server import history_server

    with history_server() as server:
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
    history_id: HistoryId,
    as_json: Json = False,
) -> None:
    """Show a history and what it holds."""
    from perijove.cli.history_server import history_server
    from perijove.cli.tables import print_table

    with history_server() as server:
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


@app.command("export")
def export(
    history_id: HistoryId,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="A file whose name ends in .rocrate.zip, .tar.gz or .tar."),
    ],
    deleted: Annotated[bool, typer.Option("--deleted", help="With the files of deleted datasets.")] = False,
    hidden: Annotated[bool, typer.Option("--hidden", help="With the files of hidden datasets.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a history into a file: a Workflow Run RO-Crate, or Galaxy's own archive."""
    from perijove.cli.history_server import history_server
    from perijove.core.resources import format_size

    wanted = {
        "model_store_format": _format(output),
        "include_deleted": deleted,
        "include_hidden": hidden,
    }
    _check_target(output, force=force)
    with history_server() as server:
        asked = server.post(f"/api/histories/{history_id}/prepare_store_download", wanted)
        size = server.download(f"/api/short_term_storage/{asked['storage_request_id']}", output)
    typer.echo(f"{output}: {format_size(size)}", err=True)


def _format(output: Path) -> str:
    from perijove.core.errors import BadRequestError

    for ending in _ENDINGS:
        if output.name.endswith(f".{ending}"):
            return ending
    raise BadRequestError(
        f"{output.name} does not say what it shall be.",
        advice="Let its name end in .rocrate.zip (a Workflow Run RO-Crate), .tar.gz or .tar (Galaxy's own).",
    )


def _check_target(output: Path, *, force: bool) -> None:
    from perijove.core.errors import BadRequestError, ConflictError

    if not output.parent.is_dir():
        raise BadRequestError(f"There is no folder {output.parent}.", advice="Make it first.")
    if output.exists() and not force:
        raise ConflictError(f"{output} is there already.", advice="Choose another name, or use --force.")


@app.command("import")
def import_history(
    archive: Annotated[Path, typer.Argument(help="What Galaxy or Perijove exported, or an RO-Crate (zip).")],
    user: Annotated[str, typer.Option("--user", help="Whose history it becomes.")],
) -> None:
    """Read a history from an archive. Its id goes to standard output."""
    from perijove.cli.history_server import history_server
    from perijove.core.errors import NotFoundError

    if not archive.is_file():
        raise NotFoundError(f"There is no file {archive}.")
    with history_server(user) as server:
        made = server.upload("/api/histories", "archive_file", archive)
    typer.echo(made["id"])
    typer.echo(made["message"], err=True)
