"""The declared lists and their locks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from perijove.core.errors import NotFoundError
from perijove.environments.declared import (
    declared,
    declared_names,
    lists_folder,
    locked_packages,
    package_name,
)

LOCKS = sorted(lists_folder().glob("*/lock*.txt"))


def requirements(file: Path) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in file.read_text().splitlines())
    return [line for line in lines if line]


def test_names() -> None:
    assert declared_names() == ["platform", "lab", "tools", "ai"]
    with pytest.raises(NotFoundError, match="nonsense"):
        declared("nonsense", "cpu")
    with pytest.raises(NotFoundError):
        declared("../ai", "cpu")


@pytest.mark.parametrize(("text", "name"), [("Scikit_Learn>=1", "scikit-learn"), ("a.b[x]", "a-b"), ("", "")])
def test_package_name(text: str, name: str) -> None:
    assert package_name(text) == name


@pytest.mark.parametrize("name", ["platform", "lab", "ai", "dev"])
def test_every_declared_name_is_locked(name: str) -> None:
    folder = lists_folder() / name
    for lock in folder.glob("lock*.txt"):
        variant = lock.stem.removeprefix("lock").removeprefix("-")
        lists = [folder / "packages.txt", *([folder / f"packages-{variant}.txt"] if variant else [])]
        locked = locked_packages(lock)
        for requirement in (line for file in lists for line in requirements(file)):
            assert package_name(requirement) in locked, f"{requirement}: run `make lock ARGS={name}`"


@pytest.mark.parametrize(
    ("project", "name"), [("perijove", "platform"), ("perijove-lab", "lab"), ("perijove-lab", "ai")]
)
def test_what_our_packages_need_is_locked(project: str, name: str) -> None:
    import tomllib

    root = lists_folder().parent
    needed = tomllib.loads((root / "packages" / project / "pyproject.toml").read_text())["project"][
        "dependencies"
    ]
    locked = declared(name, "cpu").packages()
    for requirement in needed:
        assert package_name(requirement) in locked, f"{requirement}: run `make lock ARGS={name}`"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_locks_are_exact_and_name_no_host(lock: Path) -> None:
    for line in lock.read_text().splitlines():
        assert re.match(r"^[a-z0-9._-]+(\[[a-z0-9,-]+\])?==\S+", line), line
        assert "://" not in line
        assert "@" not in line.partition("#")[0]


def test_the_lock_of_the_proxy_names_no_host() -> None:
    lock = (lists_folder() / "proxy" / "package-lock.json").read_text()
    assert not re.search(r'"resolved"', lock)
    packages = json.loads(lock)["packages"]
    assert all("integrity" in package for name, package in packages.items() if name)


def test_no_cuda_comes_to_a_machine_without_a_gpu() -> None:
    folder = lists_folder()
    for lock in (folder / "ai" / "lock-cpu.txt", folder / "torch" / "lock-cpu.txt"):
        assert not [name for name in locked_packages(lock) if name.startswith(("nvidia", "cuda", "triton"))]
    assert locked_packages(folder / "torch" / "lock-cpu.txt")["torch"].endswith("+cpu")


def test_the_gpu_variant_has_one_generation_of_cuda() -> None:
    names = [
        name for name in locked_packages(lists_folder() / "ai" / "lock-gpu.txt") if name.startswith("nvidia-")
    ]
    assert names
    assert all(name.endswith("-cu12") for name in names)
