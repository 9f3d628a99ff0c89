"""`perijove settings`: what is in force, the sample file, the reference page."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer()


@app.command("settings")
def settings(
    sample: Annotated[bool, typer.Option("--sample", help="Print a commented perijove.toml.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the reference page.")] = False,
) -> None:
    """Show the settings in force; secrets are hidden."""
    from perijove.cli.describe import in_force, reference_page, sample_file
    from perijove.core.settings import load_settings

    if sample:
        typer.echo(sample_file(), nl=False)
    elif markdown:
        typer.echo(reference_page(), nl=False)
    else:
        typer.echo(in_force(load_settings()), nl=False)
