"""`perijove doctor`: what this machine lacks, what each lack costs, and how to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from perijove.sandbox.checks import Check

app = typer.Typer()


@app.command("doctor")
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Check this machine. Exit code 1: something that is needed is missing."""
    import json
    from dataclasses import asdict

    from perijove.cli.client import settings_in_force
    from perijove.supervisor.examination import examine

    checks = examine(settings_in_force())
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks], indent=1))
    else:
        for check in checks:
            typer.echo("\n".join(_lines(check)))
    if any(check.required and not check.ok for check in checks):
        raise typer.Exit(1)


def _lines(check: Check) -> list[str]:
    sign = "ok     " if check.ok else "MISSING" if check.required else "lacks  "
    shown = [f"{sign}  {check.name}: {check.found}"]
    if not check.ok:
        shown += [f"         {text}" for text in (check.cost, check.mending) if text]
    return shown
