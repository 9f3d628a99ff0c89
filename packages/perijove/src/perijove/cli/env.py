"""`perijove env`: what labs and jobs have installed, and how to add to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from perijove.core.settings import Settings
    from perijove.environments.install import Installer
    from perijove.environments.stamps import Stamp

app = typer.Typer(
    no_args_is_help=True,
    help="List, extend and update the environments of labs and jobs.",
    rich_markup_mode=None,
)
Name = Annotated[
    str, typer.Argument(help="The environment: ai (kernels and jobs) or lab (the lab's server).")
]
Packages = Annotated[list[str], typer.Argument(help="Packages, written as for pip.")]


@app.command("list")
def list_environments(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show each environment: state, variant, packages, PyTorch, and what was added."""
    import json

    from perijove.cli.client import settings_in_force
    from perijove.environments.survey import survey

    found = survey(settings_in_force().layout)
    if as_json:
        typer.echo(json.dumps([environment.as_dict() for environment in found], indent=1))
        return
    for environment in found:
        typer.echo(f"{environment.name:<10} {environment.summary}")


@app.command("add")
def add(name: Name, packages: Packages) -> None:
    """Add packages to an environment. New labs and kernels have them; running ones go on undisturbed."""
    from perijove.environments.change import add_packages

    _changed(add_packages(_installer(), name, packages))


@app.command("remove")
def remove(name: Name, packages: Packages) -> None:
    """Take added packages out again. What the environment declares itself stays."""
    from perijove.environments.change import remove_packages

    _changed(remove_packages(_installer(), name, packages))


@app.command("update")
def update(
    name: Annotated[str, typer.Argument(help="The environment; all of them where none is named.")] = "",
) -> None:
    """Bring environments to what this version declares, and look for PyTorch where it was absent."""
    from perijove.cli.client import settings_in_force
    from perijove.environments.provide import provide

    settings = settings_in_force()
    installer = _installer(settings)
    if name:
        _changed(installer.ensure(name, look_for_torch=True))
    for stamp in provide(installer, kernel=settings.jobs.environment, look_for_torch=not name):
        _changed(stamp)


def _installer(settings: Settings | None = None) -> Installer:
    from perijove.cli.client import settings_in_force
    from perijove.supervisor.checks import check_account
    from perijove.supervisor.platform import installer

    settings = settings or settings_in_force()
    check_account(settings)
    return installer(settings, lambda line: typer.echo(line, err=True))


def _changed(stamp: Stamp) -> None:
    added = f", added: {', '.join(stamp.extras)}" if stamp.extras else ""
    torch = f", PyTorch {stamp.torch or 'absent'}" if stamp.name == "ai" else ""
    typer.echo(f"{stamp.name} is up to date ({stamp.variant}{torch}{added}).")
