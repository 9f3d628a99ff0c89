"""Optional environments: asked for, accepted, offered, taken away. uv and the lab's Python are stand-ins."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from perijove.core.errors import ConflictError, NotFoundError, PerijoveError
from perijove.core.layout import Layout
from perijove.environments import install, weights
from perijove.environments.declared import OPTIONAL_NAMES
from perijove.environments.install import Installer
from perijove.environments.optional import (
    OPTIONAL,
    accept,
    find,
    install_optional,
    is_accepted,
    offered,
    remove_optional,
    renew_optional,
)

# Makes environments, with PyTorch where it is asked for, and what `--target` names; fails on demand.
UV = """\
import os, pathlib, sys
if any(word in sys.argv for word in os.environ.get("UV_FAILS", "").split()):
    sys.exit("error: no solution found")
if sys.argv[1] == "venv":
    path = pathlib.Path(sys.argv[-1])
    (path / "bin").mkdir(parents=True, exist_ok=True)
    (path / "pyvenv.cfg").write_text("home = /usr/bin\\n")
    (path / "bin" / "python").symlink_to(sys.executable)
elif "--target" in sys.argv:
    assert "--require-hashes" in sys.argv
    brought = pathlib.Path(sys.argv[sys.argv.index("--target") + 1]) / "antiberty"
    (brought / "trained_models" / "AntiBERTy_md_smooth").mkdir(parents=True)
    (brought / "code.py").touch()
elif "--dry-run" not in sys.argv:
    packages = pathlib.Path(sys.argv[sys.argv.index("--python") + 1]).parent.parent / "lib/python3.11/site-packages"
    (packages / "antiberty").mkdir(parents=True, exist_ok=True)
    if any("environments/torch/" in word for word in sys.argv):
        (packages / "torch-2.13.0+cpu.dist-info").mkdir(exist_ok=True)
"""  # noqa: E501
# Stands in for the lab's Python: writes the kernelspec as perijove_lab.kernel does.
LAB_PYTHON = """\
import json, pathlib, sys
given = dict(zip(sys.argv[1:], sys.argv[2:]))
folder = pathlib.Path(given["--lab-prefix"], "share/jupyter/kernels", given["--name"])
folder.mkdir(parents=True, exist_ok=True)
spec = {"display_name": given["--display-name"], "metadata": {"perijove": {"prefix": given["--env-prefix"]}}}
(folder / "kernel.json").write_text(json.dumps(spec))
"""


def write_program(path: Path, code: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{code}")
    path.chmod(0o755)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def installer(tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> Installer:
    write_program(tmp_path / "tools" / "uv", UV)
    wheel = tmp_path / "perijove_lab-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"first")
    monkeypatch.setattr(install, "own_wheel", lambda *_, **__: wheel)
    for module in (install, weights):
        monkeypatch.setattr(module, "pip_configuration", lambda _: {})
    layout = Layout(tmp_path / "home")
    write_program(layout.environments / "lab" / "bin" / "python", LAB_PYTHON)
    return Installer(
        layout=layout,
        python=tmp_path / "tools" / "python",
        variant="cpu",
        for_everybody=False,
        report=said.append,
    )


def test_both_lists_name_the_same():
    assert tuple(OPTIONAL) == OPTIONAL_NAMES
    with pytest.raises(NotFoundError, match="colabfold"):
        find("ai")


def test_nobody_gets_one_without_asking(installer: Installer):
    assert renew_optional(installer) == []
    assert offered(installer.layout) == frozenset()


def test_what_is_asked_for_is_offered_as_a_kernel(installer: Installer):
    stamp = install_optional(installer, "colabfold")
    assert (stamp.name, stamp.torch) == ("colabfold", "")
    assert offered(installer.layout) == {"colabfold"}
    assert [stamp.name for stamp in renew_optional(installer)] == ["colabfold"]


def test_a_licence_is_accepted_first_and_again_when_its_words_change(
    installer: Installer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    igfold = find("igfold")
    with pytest.raises(ConflictError, match="licence"):
        install_optional(installer, "igfold")
    assert not installer.path("igfold").exists()
    accept(installer.layout, igfold)
    install_optional(installer, "igfold")
    assert offered(installer.layout) == {"igfold"}
    other = tmp_path / "lists" / "igfold" / "licence.md"
    other.parent.mkdir(parents=True)
    other.write_text("Other words.")
    monkeypatch.setattr("perijove.environments.optional.lists_folder", lambda: tmp_path / "lists")
    assert not is_accepted(installer.layout, igfold)


def test_the_weights_lie_where_the_package_looks_for_them(installer: Installer):
    accept(installer.layout, find("igfold"))
    install_optional(installer, "igfold")
    found = (
        installer.path("igfold") / "lib/python3.11/site-packages/antiberty/trained_models/AntiBERTy_md_smooth"
    )
    assert found.is_dir()
    assert not list((installer.path("igfold") / "share").rglob("*.py")), "only the weights of the old release"


def test_without_pytorch_igfold_is_refused_and_says_what_to_do(
    installer: Installer, monkeypatch: pytest.MonkeyPatch
):
    accept(installer.layout, find("igfold"))
    monkeypatch.setenv("UV_FAILS", "--dry-run")
    with pytest.raises(PerijoveError, match="needs PyTorch"):
        install_optional(installer, "igfold")
    assert offered(installer.layout) == frozenset()


def test_one_that_cannot_be_had_stops_nothing(
    installer: Installer, said: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("UV_FAILS", "--exact")
    with pytest.raises(PerijoveError):
        install_optional(installer, "colabfold")
    assert offered(installer.layout) == frozenset()
    assert renew_optional(installer) == []
    assert any(line.startswith("colabfold: Installing the environment colabfold failed") for line in said)
    monkeypatch.delenv("UV_FAILS")
    assert [stamp.name for stamp in renew_optional(installer)] == ["colabfold"], "the next start mends it"


def test_what_is_removed_leaves_nothing_behind(installer: Installer):
    accept(installer.layout, find("igfold"))
    install_optional(installer, "igfold")
    remove_optional(installer.layout, "igfold")
    assert offered(installer.layout) == frozenset()
    assert not installer.path("igfold").exists()
    assert not is_accepted(installer.layout, find("igfold")), "to be read again by whoever wants it again"
    with pytest.raises(ConflictError, match="not installed"):
        remove_optional(installer.layout, "igfold")
