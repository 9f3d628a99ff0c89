"""The table of commands. A command's module is imported when it is called: `perijove --help` imports none."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

# Name → what it does. Its module is `perijove.cli.<name>` and holds a typer app named `app`.
COMMANDS = {
    "up": "Start the platform, in the foreground or with --detach in the background.",
    "down": "Stop the platform. Labs and jobs go on, unless --all is given.",
    "status": "Show what runs, and what of the machine is free.",
    "doctor": "Check this machine: what is missing, what it costs, how to mend it.",
    "user": "Add and list people.",
    "token": "Print an API key for BioBlend, for one person.",
    "env": "List, extend and update the environments of labs and jobs.",
    "image": "Build, extend and list the lab's container images.",
    "settings": "Show the settings in force, their sample file or their reference.",
    "jobs": "List, follow and cancel jobs.",
    "histories": "List, inspect, export and import histories.",
    "galaxy": "Link people's accounts of a Galaxy, so that they can send jobs there.",
    "pipeline": "Run a pipeline of notebooks remotely, or export it as a Galaxy workflow.",
    "demo": "Run the CT use case from sign-up to prediction, headless.",
}
_COMPLETION = ("install_completion", "show_completion")  # for whole programs, not for a command of one


def load(name: str) -> Any:
    """The command `name` as typer makes it."""
    command = typer.main.get_command(import_module(f"perijove.cli.{name}").app)
    command.params = [part for part in command.params if part.name not in _COMPLETION]
    return command


class _Lazy(TyperGroup):
    """Loads the module of the one command that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in with the name and the help: enough for a list."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name], short_help=COMMANDS[cmd_name])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and load(str(name)), rest


program = typer.Typer(
    name="perijove",
    cls=_Lazy,
    help="Perijove: a self-hosted JupyterLab for AI.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: twice as fast
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from perijove import __version__

        typer.echo(f"perijove {__version__}")
        raise typer.Exit


@program.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and leave.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Take the options that stand before the command."""
