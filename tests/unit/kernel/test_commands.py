"""The commands that installers and users run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from perijove_lab.kernel.__main__ import main
from perijove_lab.kernel.overlay import overlay_for, prepare


def install(tmp_path: Path, *more: str) -> None:
    (tmp_path / "ai" / "bin").mkdir(parents=True, exist_ok=True)
    prefixes = ["--env-prefix", str(tmp_path / "ai"), "--lab-prefix", str(tmp_path / "lab")]
    main(["install", *prefixes, "--name", "ai", "--display-name", "AI (Keras)", *more])


def specs(tmp_path: Path) -> KernelSpecManager:
    return KernelSpecManager(kernel_dirs=[str(tmp_path / "lab" / "share" / "jupyter" / "kernels")])


def test_installed_kernel_is_found_by_its_name(tmp_path: Path) -> None:
    install(tmp_path)
    spec = specs(tmp_path).get_kernel_spec("ai")
    assert spec.display_name == "AI (Keras)"
    assert spec.argv[0] == str(tmp_path / "ai" / "bin" / "python")
    assert spec.argv[-1] == "{connection_file}"


def test_default_kernel_answers_to_python3_in_place_of_the_labs_own(tmp_path: Path) -> None:
    install(tmp_path, "--default")
    spec = specs(tmp_path).get_kernel_spec("python3")
    assert spec.display_name == "AI (Keras)"
    assert "ai" not in specs(tmp_path).find_kernel_specs()


def test_a_linked_file_of_the_installers_cache_is_not_written_to(tmp_path: Path) -> None:
    cached = tmp_path / "cache.json"
    cached.write_text("{}")
    folder = tmp_path / "lab" / "share" / "jupyter" / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "kernel.json").hardlink_to(cached)
    install(tmp_path, "--default")
    assert cached.read_text() == "{}"


def test_server_extension_is_switched_on(tmp_path: Path) -> None:
    install(tmp_path)
    file = tmp_path / "lab" / "etc" / "jupyter" / "jupyter_server_config.d" / "perijove_lab.json"
    assert json.loads(file.read_text())["ServerApp"]["jpserver_extensions"]["perijove_lab.extension"] is True


def test_reset_sets_packages_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    overlay = overlay_for(tmp_path)
    prepare(overlay)
    (overlay.site_packages / "mine-1.0.dist-info").mkdir()
    assert main(["packages", "--home", str(tmp_path)]) == 0
    assert main(["reset-packages", "--home", str(tmp_path)]) == 0
    assert "mine" in capsys.readouterr().out
    assert overlay.packages() == []
    assert overlay.wired
    aside = [path for path in overlay.root.parent.iterdir() if path != overlay.root]
    assert len(list(aside[0].rglob("mine-1.0.dist-info"))) == 1


def test_reset_of_nothing_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reset", "--home", str(tmp_path)]) == 0
    assert "nothing to reset" in capsys.readouterr().out


def test_prepare_prints_what_a_terminal_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", "--home", str(tmp_path)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["VIRTUAL_ENV"] == str(overlay_for(tmp_path).root)
    assert printed["PATH"].startswith(printed["VIRTUAL_ENV"])
