"""The folder that an image is built from: recipe, exact lists, our own wheel, what labs read.

It holds no secret and names no host. podman and docker's BuildKit take it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from perijove.core.errors import ConfigurationError
from perijove.environments import torch
from perijove.environments.declared import Declared, declared, locked_packages, source_tree
from perijove.environments.install import Installer
from perijove.environments.stamps import digest
from perijove.environments.wheels import own_wheel

_PERIJOVE = Path(__file__).resolve().parents[1]
_CARRIED = Path(__file__).resolve().parent / "recipe"
_ENVIRONMENTS = ("ai", "tools", "lab")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")


def recipe_folder() -> Path:
    """Containerfile and scripts: the clone's, or the copy that the wheel of `perijove` carries."""
    tree = source_tree()
    folder = tree / "images" / "lab" if tree is not None else _CARRIED
    if not (folder / "Containerfile").is_file():
        raise ConfigurationError(
            "This installation of perijove lacks its image recipe.", advice="Start it with `make up`."
        )
    return folder


def assemble(target: Path, installer: Installer) -> dict[str, str]:
    """Fill the empty folder `target` for the variant of `installer`.

    Returns the digest of what goes into each step, as build arguments: builders that do not look into what is
    mounted go by them.
    """
    for file in recipe_folder().iterdir():
        if file.is_file():
            shutil.copy(file, target / file.name)
    for folder in ("locks", "wheels", "share"):
        (target / folder).mkdir()
    for name in _ENVIRONMENTS:
        _write_lists(declared(name, installer.variant), target / "locks")
    tools = locked_packages(declared("platform", "cpu").lock)
    (target / "locks" / "tools.txt").write_text(f"uv=={tools['uv']}\n")
    wheel = own_wheel(
        "perijove-lab",
        wheels=installer.layout.root / "wheels",
        python=installer.python,
        log=installer.log,
        report=installer.report,
    )
    shutil.copy(wheel, target / "wheels")
    shutil.copytree(_PERIJOVE / "hub" / "lab_config", target / "share" / "lab-config", ignore=_LEFT_OUT)
    shutil.copytree(_notebooks(), target / "share" / "notebooks", ignore=_LEFT_OUT)
    _settle(target)
    return {f"{name.upper()}_STATE": _state(target, name) for name in (*_ENVIRONMENTS, "own")}


def _state(context: Path, step: str) -> str:
    scripts = ["Containerfile", "install", "with-tools", "locks/tools.txt"]
    if step == "own":
        files = [path for path in context.rglob("*") if path.is_file() and "locks" not in path.parts]
    else:
        files = [*(context / name for name in scripts), *(context / "locks" / step).iterdir()]
        files.append(context / "locks" / f"{step}.ways")
    return digest(*sorted(files))


def _notebooks() -> Path:
    tree = source_tree()
    return tree / "notebooks" if tree is not None else _PERIJOVE / "environments" / "notebooks"


def _write_lists(environment: Declared, locks: Path) -> None:
    """`NAME.ways`: one line of arguments for each way to install it, best first; and the lists they name."""
    lists = locks / environment.name
    lists.mkdir()
    layers = [
        *(torch.layers(environment, lists) if environment.takes_torch else []),
        torch.without_torch(environment),
    ]
    lines = [" ".join(_moved(part, lists) for part in layer.arguments) for layer in layers]
    (locks / f"{environment.name}.ways").write_text("".join(f"{line}\n" for line in lines))
    pins = locked_packages(environment.lock)
    text = "".join(f"{name}=={version}\n" for name, version in sorted(pins.items()))
    (locks / f"constraints-{environment.name}.txt").write_text(text)


def _moved(part: str, lists: Path) -> str:
    """An argument as it stands; a file by its place in the context, where it is copied to."""
    source = Path(part)
    if not source.is_file():
        return part
    name = source.name if source.parent == lists else f"{source.parent.name}-{source.name}"
    if source.parent != lists:
        shutil.copy(source, lists / name)
    return f"{lists.name}/{name}"


def _settle(target: Path) -> None:
    """Readable by every uid in the image, whatever the caller's umask."""
    for path in (target, *target.rglob("*")):
        programs = path.is_file() and path.read_bytes()[:2] == b"#!"
        path.chmod(0o755 if path.is_dir() or programs else 0o644)
