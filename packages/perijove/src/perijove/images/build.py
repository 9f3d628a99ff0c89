"""Build the lab's image, and others on top of it that hold more packages."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from perijove.core.errors import BadRequestError, NotFoundError
from perijove.environments.extras import with_added
from perijove.environments.indexes import pip_configuration
from perijove.environments.install import Installer
from perijove.images.context import assemble, recipe_folder
from perijove.images.engine import Engine
from perijove.images.sources import mounted, sources

NAME = "perijove-lab"
# A CPU image needs nothing but Python; with GPUs, NVIDIA's own. Its smallest is enough: the CUDA libraries
# come with TensorFlow, JAX and PyTorch, in exactly the versions they were built for.
BASES = {
    "cpu": "docker.io/library/debian:bookworm-slim",
    "gpu": "docker.io/nvidia/cuda:12.9.1-base-ubuntu24.04",
}
_IMAGE = re.compile(r"^[a-z0-9]+([._/:-]+[A-Za-z0-9]+)*$")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One image to build. An empty `base` is the usual one of the variant."""

    name: str
    base: str = ""
    certificates: Path | None = None
    pull: bool = True


def default_name(variant: str) -> str:
    """`perijove-lab:cpu` or `perijove-lab:gpu`."""
    return f"{NAME}:{variant}"


def check_name(name: str) -> str:
    """`name`, where an image may be called so; else BadRequestError."""
    if not _IMAGE.match(name):
        raise BadRequestError(
            f"No image can be named {name!r}.", advice="Lower-case letters and digits, as in lab-vision:1."
        )
    return name


def build_image(engine: Engine, installer: Installer, wanted: Wanted) -> None:
    """The lab's image of `installer`'s variant. Nothing stays behind but the image and the engine's cache."""
    variant = installer.variant
    base = wanted.base or BASES[variant]
    with _scratch() as context:
        states = assemble(Path(context), installer)
        arguments = [
            *("--tag", check_name(wanted.name)),
            *("--build-arg", f"BASE={base}", "--build-arg", f"VARIANT={variant}"),
            *(part for name, state in states.items() for part in ("--build-arg", f"{name}={state}")),
            *_pull(engine, base, wanted),
        ]
        _build(engine, installer, Path(context), "Containerfile", arguments, wanted.certificates)


def extend_image(engine: Engine, installer: Installer, wanted: Wanted, packages: list[str]) -> None:
    """`wanted.name`: the image `wanted.base` with more packages for kernels and jobs.

    NotFoundError where there is no such image, BadRequestError for what names no package, PerijoveError where
    a package does not fit with what the image's lock holds.
    """
    chosen = with_added((), packages)
    if not chosen:
        raise BadRequestError("No package is named.", advice="Name one or more, as for pip.")
    if engine.inspect(wanted.base) is None:
        raise NotFoundError(
            f"There is no image {wanted.base}.", advice="`perijove image list` shows them; build one first."
        )
    with _scratch() as folder:
        context = Path(folder)
        for name in ("Containerfile.extend", "with-indexes"):
            shutil.copy(recipe_folder() / name, context / name)
        (context / "with-indexes").chmod(0o755)
        (context / "packages.txt").write_text("".join(f"{package}\n" for package in chosen))
        known = _packages_of(engine, wanted.base)
        named = " ".join([*known, *(package.replace(" ", "") for package in chosen)])
        arguments = [
            *("--tag", check_name(wanted.name)),
            *("--build-arg", f"FROM={wanted.base}", "--build-arg", f"PACKAGES={named}"),
            *_pull(engine, wanted.base, Wanted(name=wanted.name, pull=False)),
        ]
        _build(engine, installer, context, "Containerfile.extend", arguments, wanted.certificates)


def _packages_of(engine: Engine, image: str) -> list[str]:
    found = engine.inspect(image) or {}
    labels = (found.get("Config") or {}).get("Labels") or {}
    return str(labels.get("org.perijove.packages", "")).split()


def _pull(engine: Engine, base: str, wanted: Wanted) -> list[str]:
    """Never ask a registry for an image that is here."""
    if engine.kind == "docker":
        return []
    return ["--pull=never" if not wanted.pull or engine.inspect(base) is not None else "--pull=missing"]


def _build(
    engine: Engine,
    installer: Installer,
    context: Path,
    recipe: str,
    arguments: list[str],
    certificates: Path | None,
) -> None:
    found = sources(pip_configuration(installer.python), os.environ, certificates)
    log = installer.layout.logs / "images.log"
    with mounted(found, engine) as options:
        engine.build(
            [*arguments, *options, "--file", context / recipe, context], log=log, report=installer.report
        )


def _scratch() -> tempfile.TemporaryDirectory[str]:
    """On a disk, not in memory: wheels and notebooks are larger than a small /tmp."""
    return tempfile.TemporaryDirectory(prefix="perijove-image-", dir="/var/tmp")
