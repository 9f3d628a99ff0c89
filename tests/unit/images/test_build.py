"""What an image is built from, and where a build gets its packages."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from perijove.core.errors import BadRequestError, ConfigurationError, NotFoundError
from perijove.core.layout import Layout
from perijove.environments.install import Installer
from perijove.images import context, engine
from perijove.images.build import Wanted, check_name, default_name, extend_image
from perijove.images.engine import Engine, find_engine
from perijove.images.sources import mounted, sources

PODMAN = Engine(kind="podman", program="/bin/false")
DOCKER = Engine(kind="docker", program="/bin/false")


def installer(home: Path, variant: str = "cpu") -> Installer:
    return Installer(
        layout=Layout(home), python=Path(sys.executable), variant=variant, for_everybody=True, report=print
    )


@pytest.fixture
def assembled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The context, with a stand-in for our own wheel, which needs no building here."""
    wheel = tmp_path / "perijove_lab-0-py3-none-any.whl"
    wheel.write_text("")
    monkeypatch.setattr(context, "own_wheel", lambda *_, **__: wheel)
    target = tmp_path / "context"
    target.mkdir()
    previous = os.umask(0o077)
    try:
        context.assemble(target, installer(tmp_path))
    finally:
        os.umask(previous)
    return target


def test_the_context_holds_all_that_the_recipe_names(assembled: Path) -> None:
    recipe = (assembled / "Containerfile").read_text()
    for name in ("install", "with-tools", "finish"):
        assert f"/context/{name}" in recipe
        assert os.access(assembled / name, os.X_OK)
    for name in ("ai", "tools", "lab"):
        ways = (assembled / "locks" / f"{name}.ways").read_text().splitlines()
        named = [word for line in ways for word in line.split() if word.startswith(f"{name}/")]
        assert named
        assert all((assembled / "locks" / word).is_file() for word in named)


def test_every_uid_may_read_the_context_whatever_the_umask(assembled: Path) -> None:
    closed = [path for path in assembled.rglob("*") if not path.stat().st_mode & stat.S_IROTH]
    assert closed == []


def test_the_context_names_no_path_of_this_machine(assembled: Path) -> None:
    for path in assembled.rglob("*"):
        if path.is_file() and path.suffix in ("", ".txt", ".ways"):
            assert str(Path.cwd()) not in path.read_text()


def test_the_scripts_are_valid_shell(assembled: Path) -> None:
    for name in ("install", "with-tools", "with-indexes", "finish", "perijove-start"):
        assert subprocess.run(["sh", "-n", assembled / name], check=False).returncode == 0


def test_indexes_and_passwords_are_mounted_and_never_arguments(tmp_path: Path) -> None:
    certificates = tmp_path / "ca.pem"
    certificates.write_text("PEM")
    secret = "https://user:hush@index.example/simple"
    found = sources({"index-url": secret, "cert": str(certificates)}, {})
    assert "hush" not in repr(found)
    with mounted(found, PODMAN) as options:
        assert "hush" not in " ".join(options)
        file = Path(next(option for option in options if "id=indexes" in option).partition("src=")[2])
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert f"export PIP_INDEX_URL={secret}" in file.read_text()
        assert any("id=ca" in option for option in options)
    assert not file.exists()


def test_a_folder_of_wheels_is_seen_by_podman_alone(tmp_path: Path) -> None:
    found = sources({"find-links": str(tmp_path)}, {})
    with mounted(found, PODMAN) as options:
        assert f"--volume={tmp_path}:{tmp_path}:ro" in options
    with pytest.raises(ConfigurationError, match="cannot see"), mounted(found, DOCKER):
        pass


def test_certificates_that_are_not_there(tmp_path: Path) -> None:
    found = sources({}, {}, tmp_path / "none.pem")
    with pytest.raises(ConfigurationError, match="--ca"), mounted(found, PODMAN):
        pass


@pytest.mark.parametrize("name", ["Lab", "", "-x", "a b", "a;b", "--help"])
def test_names_that_no_image_can_have(name: str) -> None:
    with pytest.raises(BadRequestError, match="No image can be named"):
        check_name(name)


@pytest.mark.parametrize("name", ["perijove-lab:cpu", "localhost/lab_2:1.0", "registry.example:5000/a/b:Tag"])
def test_names_that_images_have(name: str) -> None:
    assert check_name(name) == name


def test_the_usual_names() -> None:
    assert [default_name(variant) for variant in ("cpu", "gpu")] == ["perijove-lab:cpu", "perijove-lab:gpu"]


def test_without_an_engine_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ConfigurationError) as caught:
        find_engine()
    assert "podman is not installed; docker is not installed" in caught.value.message
    assert "apt-get install podman" in caught.value.advice


def test_an_engine_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.shutil, "which", lambda name: "/bin/false" if name == "docker" else None)
    with pytest.raises(ConfigurationError, match="docker does not work here"):
        find_engine()


def test_an_engine_that_there_is_not() -> None:
    with pytest.raises(BadRequestError, match="podman, docker"):
        find_engine("lxc")


def test_extending_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="perijove image list"):
        extend_image(PODMAN, installer(tmp_path), Wanted(name="mine", base="none:1"), ["monai"])
    with pytest.raises(BadRequestError):
        extend_image(
            PODMAN, installer(tmp_path), Wanted(name="mine", base="none:1"), ["--index-url=http://x"]
        )
