"""`perijove pipeline`: pipelines of notebooks, run remotely, and as Galaxy workflows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Pipelines of notebooks.", rich_markup_mode=None)

File = Annotated[Path, typer.Argument(help="A pipeline as Elyra saves it (….pipeline).")]
Person = Annotated[
    str | None,
    typer.Option(help="Whose pipeline it is; else GALAXY_URL and API_KEY say where it runs and for whom."),
]
# How long the key lives that a command makes: a run is waited for, all else is done at once.
_KEY_SECONDS = {"run": 7 * 24 * 3600, "status": 600, "cancel": 600}


@app.command("run")
def run(
    pipeline: File,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Run on: without the nodes that are done and unchanged.")
    ] = False,
    history: Annotated[
        str | None, typer.Option(help="The history that the outputs enter, by name or id.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait.")] = False,
    person: Person = None,
) -> None:
    """Run a pipeline remotely: each node a job with its own resources.

    Exit codes: 0 all nodes are ok, 1 a node failed, 2 it cannot be run as it is, 130 you stopped waiting.
    """
    options = [*(["--rerun"] if rerun else []), *(["--detach"] if detach else [])]
    _in_the_lab("run", [str(pipeline), *options, *(["--history", history] if history else [])], person)


@app.command("status")
def status(pipeline: File, person: Person = None) -> None:
    """Show how the last run of a pipeline stands."""
    _in_the_lab("status", [str(pipeline)], person)


@app.command("cancel")
def cancel(pipeline: File, person: Person = None) -> None:
    """End the last run of a pipeline."""
    _in_the_lab("cancel", [str(pipeline)], person)


@app.command("export")
def export(
    pipeline: File,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The workflow's file; else standard output."),
    ] = None,
) -> None:
    """Write a pipeline as a Galaxy workflow (format 2): each notebook a step of run_jupyter_job."""
    from perijove_pipelines.conversion import convert
    from perijove_pipelines.elyra import read_pipeline
    from perijove_pipelines.workflow import to_yaml

    with _translated():
        found = read_pipeline(pipeline)
        text = to_yaml(convert(found).workflow)
    for remark in found.remarks:
        typer.echo(remark, err=True)
    if output is None:
        typer.echo(text, nl=False)
    else:
        _write(output, text)
        typer.echo(f"{output}: {len(found.nodes)} steps", err=True)


def _write(output: Path, text: str) -> None:
    from perijove.core.errors import StorageError

    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{output} cannot be written: {error.strerror}.") from error


@contextmanager
def _translated() -> Iterator[None]:
    from perijove.core.errors import BadRequestError, NotFoundError
    from perijove_pipelines.errors import NoPipelineError, PipelineError

    try:
        yield
    except NoPipelineError as error:
        raise NotFoundError(error.message, advice=error.advice) from error
    except PipelineError as error:
        raise BadRequestError(error.message, advice=error.advice) from error


def _in_the_lab(command: str, arguments: list[str], person: str | None) -> None:
    """Let the lab's own client do it, in the lab's environment, and leave with its exit code.

    The key goes in the environment: a list of processes shows arguments.
    """
    import subprocess

    environ = {**os.environ, **_door(person, _KEY_SECONDS[command])}
    client = [str(_lab_python()), "-P", "-m", "perijove_lab.cli", "pipeline", command, *arguments]
    try:
        raise typer.Exit(subprocess.run(client, env=environ, check=False).returncode)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _lab_python() -> Path:
    from perijove.cli.client import settings_in_force
    from perijove.core.errors import ConfigurationError

    python = settings_in_force().layout.environments / "lab" / "bin" / "python"
    if not python.is_file():
        raise ConfigurationError(
            "The lab's environment is not installed here.", advice="`perijove env update` installs it."
        )
    return python


def _door(person: str | None, seconds: int) -> Mapping[str, str]:
    """Where the history server is and a key of the person's; nothing where the environment says both."""
    from perijove.cli.client import key_for, settings_in_force
    from perijove.core.errors import BadRequestError
    from perijove.hub.private import read_ports

    if person is None:
        if os.environ.get("GALAXY_URL") and os.environ.get("API_KEY"):
            return {}
        raise BadRequestError(
            "It is not said for whom the pipeline runs.",
            advice="Give --person NAME, or set GALAXY_URL and API_KEY.",
        )
    settings = settings_in_force()
    key = key_for(person, settings, note="perijove pipeline", expires_in=seconds)
    url = f"http://127.0.0.1:{read_ports(settings.layout).histories}/services/galaxy"
    return {"GALAXY_URL": url, "API_KEY": key, "PERIJOVE_CLIENT_RECORDS": str(_records(person))}


def _records(person: str) -> Path:
    """Where the client remembers this person's runs: one file may be run for several people."""
    from urllib.parse import quote

    return Path.home() / ".perijove" / "client" / "people" / quote(f"for {person}", safe="")
