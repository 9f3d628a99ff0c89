"""`perijove demo` the whole way, on the home that `make test` keeps installed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.root, pytest.mark.platform, pytest.mark.slow, pytest.mark.timeout(3600)]


class Command:
    """The installed `perijove` on that home and a free port."""

    def __init__(self) -> None:
        home = os.environ["PERIJOVE_TEST_HOME"]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PERIJOVE_")}
        self.environment = {**kept, "PERIJOVE_HOME": home, "PERIJOVE_PORT": port}
        self.program = f"{home}/envs/platform/bin/perijove"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *arguments], env=self.environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def perijove() -> Iterator[Command]:
    command = Command()
    command.run("down", "--all")
    yield command
    command.run("down", "--all")


def test_the_whole_way_from_no_platform_to_a_report(perijove: Command, tmp_path: Path):
    asked = ("--quick", "--epochs", "1", "--compare", "--remove", "--report", str(tmp_path))
    done = perijove.run("demo", *asked)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    report = (tmp_path / "report.md").read_text()
    for fact in ("all together", "finds nothing", "ONNX against Keras", "plain script", "(predictions.png)"):
        assert fact in report
    assert (tmp_path / "predictions.png").read_bytes().startswith(b"\x89PNG")
    status = json.loads(perijove.run("status", "--json").stdout)
    assert status["state"] == "running"
    assert "demo-" not in perijove.run("user", "list").stdout, "the demo's user was to be removed"


def test_a_file_in_another_layout_is_told_and_nothing_is_left_open(perijove: Command, tmp_path: Path):
    wrong = tmp_path / "wrong.h5"
    wrong.write_bytes(b"no HDF5 at all")
    done = perijove.run("demo", "--data", str(wrong), "--remove", "--report", str(tmp_path / "report"))
    assert done.returncode == 1
    assert "The step “run 1_fetch_data.ipynb in the lab” failed" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "report").exists()
    assert "demo-" not in perijove.run("user", "list").stdout
