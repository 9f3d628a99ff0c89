"""`perijove pipeline`: pipelines of notebooks as Galaxy workflows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Pipelines of notebooks.", rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Keep `export` a command of its own while it is the only one."""


@app.command("export")
def export(
    pipeline: Annotated[Path, typer.Argument(help="A pipeline as Elyra saves it (….pipeline).")],
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
        text = to_yaml(convert(found))
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
