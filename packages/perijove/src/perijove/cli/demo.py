"""`perijove demo`: the CT use case from sign-up to prediction, headless, as a new user would go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command("demo")
def demo(
    data: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="HDF5 file in the paper's layout; a drawn phantom else."
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs to train; the notebook's own number else.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A small network for a few epochs: the way, not the figures.")
    ] = False,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Train once more as a plain script outside, and compare the figures."),
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep/--remove", help="Keep or remove the demo's user afterwards.")
    ] = True,
    report: Annotated[Path, typer.Option(help="Folder for the report and its pictures.")] = Path("report"),
) -> None:
    """Run the CT use case from sign-up to prediction, headless; start a platform where none runs.

    Writes report.html and report.md. Run it as the account that runs the platform, which approves the user.
    """
    from rich.console import Console

    from perijove.core.settings import load_settings
    from perijove.demo.journey import Options, run

    options = Options(data=data, epochs=epochs, quick=quick, compare=compare, keep=keep, folder=report)
    run(load_settings(), options, Console())
