"""`perijove image`: build the lab's container image, add packages to it, list what is here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from perijove.environments.install import Installer

app = typer.Typer(
    no_args_is_help=True, help="Build, extend and list the lab's container images.", rich_markup_mode=None
)
EngineName = Annotated[str, typer.Option("--engine", help="podman or docker; the one that is here.")]
Certificates = Annotated[
    Path | None,
    typer.Option("--ca", help="Certificates (PEM) for the build alone; those of pip and SSL_CERT_FILE."),
]
Gpu = Annotated[bool, typer.Option("--gpu", help="The variant with CUDA, for NVIDIA GPUs.")]


@app.command("build")
def build(
    base: Annotated[str, typer.Option(help="Image to build on: any Debian or Ubuntu.")] = "",
    gpu: Gpu = False,
    name: Annotated[str, typer.Option(help="Name and tag; perijove-lab:cpu or perijove-lab:gpu.")] = "",
    engine: EngineName = "",
    ca: Certificates = None,
) -> None:
    """Build the lab's image: JupyterLab, the AI kernel, and a start of its own."""
    from perijove.images.build import Wanted, build_image, default_name
    from perijove.images.engine import find_engine

    found, installer = find_engine(engine), _installer("gpu" if gpu else "cpu")
    wanted = Wanted(name=name or default_name(installer.variant), base=base, certificates=ca)
    build_image(found, installer, wanted)
    typer.echo(
        f"{wanted.name} is built. Start it: {found.kind} run -p 8888:8888 -v DIR:/import {wanted.name}"
    )


@app.command("extend")
def extend(
    name: Annotated[str, typer.Argument(help="Name of the new image.")],
    packages: Annotated[list[str], typer.Argument(help="Packages, written as for pip.")],
    base: Annotated[str, typer.Option("--from", help="The image it holds besides.")] = "perijove-lab:cpu",
    engine: EngineName = "",
    ca: Certificates = None,
) -> None:
    """Make an image that holds more packages. What the lock holds does not move."""
    from perijove.images.build import Wanted, extend_image
    from perijove.images.engine import find_engine

    wanted = Wanted(name=name, base=base, certificates=ca)
    extend_image(find_engine(engine), _installer("cpu"), wanted, packages)
    typer.echo(f"{name} holds {', '.join(packages)} besides {base}.")


@app.command("list")
def list_all(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    engine: EngineName = "",
) -> None:
    """Show the lab images of this machine: variant, size, age, and the packages that were added."""
    import json

    from perijove.images.engine import find_engine
    from perijove.images.survey import list_images

    images = list_images(find_engine(engine))
    if as_json:
        typer.echo(json.dumps([image.as_dict() for image in images], indent=1))
        return
    for image in images:
        typer.echo(f"{image.name:<28} {image.summary}")
    if not images:
        typer.echo("None yet: `perijove image build` makes one.", err=True)


@app.command("context")
def context(
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
    gpu: Gpu = False,
) -> None:
    """Write the folder that the image is built from, for another builder (a CI service)."""
    from perijove.core.errors import ConflictError
    from perijove.images.context import assemble

    if folder.exists():
        raise ConflictError(f"{folder} exists.", advice="Name a new folder.")
    folder.mkdir(parents=True)
    assemble(folder, _installer("gpu" if gpu else "cpu"))
    typer.echo(f"{folder} can be built by any builder that takes a Containerfile.")


def _installer(variant: str) -> Installer:
    import sys

    from perijove.cli.client import settings_in_force
    from perijove.environments.install import Installer

    return Installer(
        layout=settings_in_force().layout,
        python=Path(sys.executable),
        variant=variant,
        for_everybody=True,
        report=lambda line: typer.echo(line, err=True),
    )
