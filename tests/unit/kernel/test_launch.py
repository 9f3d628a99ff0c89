"""A kernel and a job start over the user's packages, and without them where they are broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking import BlockingKernelClient

from perijove_lab.kernel.overlay import Overlay, overlay_for, prepare

CRASH = "import os; os._exit(41)"


class Kernel:
    """A kernel started as the kernelspec starts it."""

    def __init__(self, home: Path, folder: Path, environ: dict[str, str]) -> None:
        self.file = folder / f"kernel-{time.monotonic_ns()}.json"
        self.log = open(folder / "log", "a+")  # noqa: SIM115
        argv = [sys.executable, "-P", "-m", "perijove_lab.kernel", "start", "-f", str(self.file)]
        self.process = subprocess.Popen(
            argv, env=os.environ | {"HOME": str(home)} | environ, cwd=folder, stderr=self.log, stdout=self.log
        )
        self.client: BlockingKernelClient | None = None

    def connect(self) -> Kernel:
        deadline = time.monotonic() + 60
        while not self._ready():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.05)
        self.client = BlockingKernelClient(connection_file=str(self.file))
        self.client.load_connection_file()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        return self

    def _ready(self) -> bool:
        try:
            return bool(json.loads(self.file.read_text()))
        except (OSError, ValueError):
            return False

    def run(self, code: str) -> dict[str, str]:
        """Standard output, standard error and error of a cell."""
        found = {"stdout": "", "stderr": "", "error": ""}

        def hook(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                found[content["name"]] += content["text"]
            if message["msg_type"] == "error":
                found["error"] += "\n".join(content["traceback"])

        assert self.client is not None
        self.client.execute_interactive(code, output_hook=hook, timeout=60)
        return found

    def text(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def stop(self) -> None:
        if self.client is not None:
            self.client.stop_channels()
        self.process.kill()
        self.process.wait()
        self.log.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    return tmp_path / "home"


@pytest.fixture
def overlay(home: Path) -> Overlay:
    return overlay_for(home)


@pytest.fixture
def start(home: Path, tmp_path: Path) -> Iterator[Any]:
    kernels: list[Kernel] = []

    def make(**environ: str) -> Kernel:
        kernels.append(Kernel(home, tmp_path / "work", environ))
        return kernels[-1]

    yield make
    for kernel in kernels:
        kernel.stop()


def shadow(overlay: Overlay, module: str, code: str) -> None:
    prepare(overlay)
    (overlay.site_packages / f"{module}.py").write_text(code)


def test_first_start_makes_the_overlay_and_runs_in_it(start: Any, overlay: Overlay) -> None:
    kernel = start().connect()
    assert kernel.run("import sys; print(sys.prefix)")["stdout"].strip() == str(overlay.root)
    shown = kernel.run("!echo $VIRTUAL_ENV; which python")["stdout"].split()
    assert shown == [str(overlay.root), str(overlay.python)]


def test_functions_are_there_and_nothing_heavy_is(start: Any) -> None:
    kernel = start().connect()
    names = "get, put, run_script_job, submit, jobs, job, load_model, load_arrays"
    assert kernel.run(f"print(all(map(callable, [{names}])))")["stdout"].strip() == "True"
    heavy = "[m for m in ('bioblend', 'requests', 'numpy', 'onnxruntime', 'h5py') if m in sys.modules]"
    assert kernel.run(f"import sys; print({heavy})")["stdout"].strip() == "[]"


def test_functions_are_not_among_the_users_variables(start: Any) -> None:
    kernel = start().connect()
    assert "get" not in kernel.run("mine = 1\n%who")["stdout"].split()
    assert kernel.run("get = 5\nprint(get)")["stdout"].strip() == "5"


def test_an_error_is_a_short_block(start: Any) -> None:
    error = start(GALAXY_URL="", API_KEY="").connect().run("get(1)")["error"]
    assert "No server is known here." in error
    assert "Traceback" not in error
    assert "perijove_lab" not in error


def test_files_of_the_user_do_not_shadow_the_library(start: Any, tmp_path: Path) -> None:
    for name in ("json", "typing", "ipykernel", "perijove_lab", "runpy"):
        (tmp_path / "work" / f"{name}.py").write_text("raise SystemError('shadowed')")
    (tmp_path / "work" / "mine.py").write_text("x = 3")
    assert start().connect().run("import mine; print(mine.x)")["stdout"].strip() == "3"


def test_a_package_that_cannot_be_imported_is_left_out(start: Any, overlay: Overlay) -> None:
    shadow(overlay, "traitlets", "raise ImportError('of another age')")
    kernel = start().connect()
    first = kernel.run("import sys; print(sys.prefix)")
    assert first["stdout"].strip() == sys.prefix
    assert "of another age" in first["stderr"]
    assert "reset-packages" in first["stderr"]
    assert kernel.run("1")["stderr"] == ""


def test_a_package_that_crashes_python_is_left_out_at_the_next_start(start: Any, overlay: Overlay) -> None:
    shadow(overlay, "zmq", CRASH)
    assert start().process.wait(timeout=60) == 41
    kernel = start().connect()
    first = kernel.run("import sys; print(sys.prefix)")
    assert first["stdout"].strip() == sys.prefix
    assert "crash" in first["stderr"]
    (overlay.site_packages / "zmq.py").unlink()
    mended = start().connect().run("import sys; print(sys.prefix)")
    assert mended == {"stdout": f"{overlay.root}\n", "stderr": "", "error": ""}


def test_a_start_that_was_cut_off_does_not_count_against_the_packages(start: Any, overlay: Overlay) -> None:
    prepare(overlay)
    (overlay.root / ".starting-999999").touch()
    assert start().connect().run("import sys; print(sys.prefix)") == {
        "stdout": f"{overlay.root}\n",
        "stderr": "",
        "error": "",
    }
    assert not list(overlay.root.glob(".starting-*"))


def test_a_home_that_cannot_be_written_does_not_stop_a_kernel(start: Any, home: Path) -> None:
    (home / ".perijove").write_text("in the way")
    first = start().connect().run("import sys; print(sys.prefix)")
    assert first["stdout"].strip() == sys.prefix
    assert "cannot be written" in first["stderr"]


def run_module(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-P", "-m", "perijove_lab.kernel", "run", "--home", str(home), "--", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=home)


def test_a_job_runs_with_its_owners_packages(home: Path, overlay: Overlay) -> None:
    prepare(overlay)
    (overlay.site_packages / "tool.py").write_text("import sys; print(sys.prefix, sys.argv[1:], __name__)")
    done = run_module(home, "-m", "tool", "/job/job.json", "--flag")
    assert done.stdout.strip() == f"{overlay.root} ['/job/job.json', '--flag'] __main__"
    assert done.returncode == 0


def test_a_job_writes_nothing_into_the_home(home: Path) -> None:
    done = run_module(home, "-m", "this")
    assert "Zen of Python" in done.stdout
    assert list(home.iterdir()) == []


def test_a_job_goes_on_without_broken_packages_and_says_so(home: Path, overlay: Overlay) -> None:
    shadow(overlay, "nbformat", "raise RuntimeError('no good')")
    done = run_module(home, "-m", "this")
    assert "Zen of Python" in done.stdout
    assert "no good" in done.stderr


def test_a_job_says_that_packages_belong_to_another_environment(home: Path, overlay: Overlay) -> None:
    prepare(overlay)
    (overlay.site_packages / "mine-1.0.dist-info").mkdir()
    (overlay.root / "perijove.json").write_text("{}")
    done = run_module(home, "-m", "this")
    assert "Zen of Python" in done.stdout
    assert "left out of this job" in done.stderr


def test_exit_codes_come_through(home: Path, overlay: Overlay) -> None:
    prepare(overlay)
    (overlay.site_packages / "ends.py").write_text("raise SystemExit(2)")
    assert run_module(home, "-m", "ends").returncode == 2


def test_run_needs_a_module(home: Path) -> None:
    done = run_module(home, "script.py")
    assert done.returncode == 1
    assert "-m MODULE" in done.stderr
