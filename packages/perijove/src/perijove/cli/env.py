"""`perijove env`: what labs and jobs have installed, and how to add to it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from perijove.core.layout import Layout
    from perijove.core.settings import Settings
    from perijove.environments.install import Installer
    from perijove.environments.optional import OptionalEnvironment
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


@app.command("install")
def install(
    name: Annotated[str, typer.Argument(help="colabfold (proteins) or igfold (antibodies).")],
    accept_license: Annotated[
        bool, typer.Option("--accept-license", help="Accept its licence, which is shown first.")
    ] = False,
) -> None:
    """Install an optional environment and offer its kernel in every lab and job.

    A licence that restricts use is shown first, and nothing is fetched before it is accepted.
    """
    from perijove.environments.optional import find, install_optional

    settings, environment = _settings(), find(name)
    installer = _installer(settings)
    _have_accepted(settings.layout, environment, accepted=accept_license)
    _changed(install_optional(installer, name))


@app.command("uninstall")
def uninstall(
    name: Annotated[str, typer.Argument(help="The optional environment.")],
) -> None:
    """Take an optional environment and its kernel away. What runs in it breaks."""
    from perijove.environments.optional import remove_optional
    from perijove.supervisor.checks import check_account

    settings = _settings()
    check_account(settings)
    remove_optional(settings.layout, name)
    typer.echo(f"{name} is gone.")


@app.command("update")
def update(
    name: Annotated[str, typer.Argument(help="The environment; all of them where none is named.")] = "",
) -> None:
    """Bring environments to what this version declares, and look for PyTorch where it was absent."""
    from perijove.cli.client import settings_in_force
    from perijove.environments.declared import OPTIONAL_NAMES
    from perijove.environments.provide import provide

    settings = settings_in_force()
    installer = _installer(settings)
    if name and name not in OPTIONAL_NAMES:
        _changed(installer.ensure(name, look_for_torch=True))
    for stamp in provide(installer, kernel=settings.jobs.environment, look_for_torch=not name):
        _changed(stamp)


def _have_accepted(layout: Layout, environment: OptionalEnvironment, *, accepted: bool) -> None:
    """Show the licence and have it accepted, by the option or by a person's answer."""
    from perijove.core.errors import ConflictError
    from perijove.environments.optional import accept, is_accepted

    if environment.licence is None or is_accepted(layout, environment):
        return
    typer.echo(environment.licence.read_text())
    if not accepted and sys.stdin.isatty():
        accepted = typer.confirm(f"Do you accept this licence of {environment.title}?")
    if not accepted:
        raise ConflictError(
            f"The licence of {environment.title} was not accepted; nothing was fetched.",
            advice=f"If you accept it: `perijove env install {environment.name} --accept-license`.",
        )
    accept(layout, environment)


def _settings() -> Settings:
    from perijove.cli.client import settings_in_force

    return settings_in_force()


def _installer(settings: Settings | None = None) -> Installer:
    from perijove.cli.client import settings_in_force
    from perijove.supervisor.checks import check_account
    from perijove.supervisor.platform import installer

    settings = settings or settings_in_force()
    check_account(settings)
    return installer(settings, lambda line: typer.echo(line, err=True))


def _changed(stamp: Stamp) -> None:
    added = f", added: {', '.join(stamp.extras)}" if stamp.extras else ""
    torch = f", PyTorch {stamp.torch or 'absent'}" if stamp.torch or stamp.torch_absent_because else ""
    typer.echo(f"{stamp.name} is up to date ({stamp.variant}{torch}{added}).")
