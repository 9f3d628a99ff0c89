"""BioBlend's own tests (they come in its wheel) against any server that speaks Galaxy's API.

results = run("http://127.0.0.1:8000/services/galaxy", key)
results["TestGalaxyHistories.test_create_history"].outcome      # passed, skipped, failed
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

CLASSES = (
    "TestGalaxyHistories",
    "TestGalaxyDatasets",
    "TestGalaxyDatasetCollections",
    "TestGalaxyInstance",
    "TestGalaxyUsers",
    "TestGalaxyJobs",
    "TestGalaxyTools",
)
Outcome = Literal["passed", "skipped", "failed"]
_SECONDS_PER_TEST = 180


@dataclass(frozen=True)
class Result:
    """How one test ended; `reason`: why it was skipped, or the error's last line."""

    outcome: Outcome
    reason: str = ""


def test_folder() -> Path:
    """Where the installed BioBlend keeps its tests."""
    spec = find_spec("bioblend")
    if spec is None or spec.origin is None:
        raise RuntimeError("BioBlend is not installed")
    return Path(spec.origin).parent / "_tests"


def test_ids() -> list[str]:
    """Every test of `CLASSES`, `Class.method`, in the order of the files; read from the source, not run."""
    return [f"{name}.{test}" for name in CLASSES for test in _tests_of(test_folder() / f"{name}.py", name)]


def _tests_of(path: Path, class_name: str) -> list[str]:
    tree = ast.parse(path.read_text())
    (found,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == class_name]
    functions = [node.name for node in found.body if isinstance(node, ast.FunctionDef)]
    return [name for name in functions if name.startswith("test")]


def read_left_out(path: Path, server: str) -> dict[str, str]:
    """What is left out for a server, and why: the table `[server]` of a TOML file. ValueError: no reason."""
    found = tomllib.loads(path.read_text()).get(server, {})
    for name, reason in found.items():
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError(f"{path.name}: {name} is left out without a reason")
    return {str(name): str(reason) for name, reason in found.items()}


def run(
    url: str, key: str, *, tests: Sequence[str] | None = None, seconds: float = 3600
) -> dict[str, Result]:
    """Run every test (or those of `tests`) against the server; the result of each.

    RuntimeError with the output where pytest could not run them, TimeoutExpired after `seconds`.
    """
    wanted = list(CLASSES) if tests is None else list(tests)
    with tempfile.TemporaryDirectory(prefix="bioblend-") as folder:
        report, settings = Path(folder, "report.xml"), Path(folder, "pytest.ini")
        settings.write_text("[pytest]\n")  # not the settings of whoever calls
        ended = subprocess.run(
            [*_command(settings, report), *map(_node_id, wanted)],
            env=_environment(url, key),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if not report.exists() or ended.returncode not in (0, 1):
            raise RuntimeError(f"BioBlend's tests did not run:\n{(ended.stdout + ended.stderr)[-4000:]}")
        return _results(report)


def run_twice(url: str, key: str) -> dict[str, Result]:
    """The same, and those that failed once more by themselves: a busy machine makes a real Galaxy slow."""
    results = run(url, key)
    failed = [test for test, result in results.items() if result.outcome == "failed"]
    return results | (run(url, key, tests=failed) if failed else {})


def _node_id(name: str) -> str:
    """What pytest calls a class's file, or `Class.test`."""
    kind, _, test = name.partition(".")
    path = str(test_folder() / f"{kind}.py")
    return f"{path}::{kind}::{test}" if test else path


def _command(settings: Path, report: Path) -> list[str]:
    options = ["-q", "-c", str(settings), f"--junitxml={report}", f"--timeout={_SECONDS_PER_TEST}"]
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]


def _environment(url: str, key: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("BIOBLEND_")}
    return {**plain, "BIOBLEND_GALAXY_URL": url, "BIOBLEND_GALAXY_API_KEY": key}


def _results(report: Path) -> dict[str, Result]:
    cases = ElementTree.parse(report).getroot().iter("testcase")  # noqa: S314 (pytest wrote it just now)
    return {
        f"{case.get('classname', '').rpartition('.')[2]}.{case.get('name')}": _result(case) for case in cases
    }


def _result(case: ElementTree.Element) -> Result:
    for tag in ("failure", "error"):
        if (found := case.find(tag)) is not None:
            return Result("failed", _line(found.get("message") or found.text or ""))
    if (skipped := case.find("skipped")) is not None:
        return Result("skipped", _line(skipped.get("message") or ""))
    return Result("passed")


def _line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:300] if lines else ""
