"""Every Python example of the users' pages runs, in order, in a kernel as users have it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.ai
DOCS = Path(__file__).parents[3] / "docs" / "users"
# Examples for a Galaxy elsewhere cannot run here; tests/integration/galaxy has what they do.
ELSEWHERE = ("https://usegalaxy.", 'engine="galaxy"')


def examples(page: str) -> list[str]:
    found = re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    return [code for code in found if not any(mark in code for mark in ELSEWHERE)]


def test_every_page_has_examples() -> None:
    assert len(examples("data.md")) >= 4
    assert len(examples("jobs.md")) >= 7


def test_data(notebook: Any, work: Path) -> None:
    for folder in ("slices", "masks"):
        (work / folder).mkdir()
        for number in range(3):
            (work / folder / f"{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes([number]))
    for name in ("train.csv", "test.csv"):
        (work / name).write_text("a,b\n1,2\n")
    (work / "table.txt").write_text("a\tb\n")
    made = notebook.run(
        "import os\nfrom bioblend.galaxy import GalaxyInstance\n"
        "g = GalaxyInstance(os.environ['GALAXY_URL'], key=os.environ['API_KEY'])\n"
        "print(g.histories.create_history('elsewhere')['id'])\n"
        "print(g.histories.create_history('data')['id'])"
    ).split()
    for code in examples("data.md"):
        notebook.run(code.replace("2f94e8ae9edff68a", made[0]))
    assert (work / "data" / "ct.h5").is_file()
    assert len(list((work / "imports").iterdir())) > 4


def test_jobs(notebook: Any, work: Path) -> None:
    first, second, *rest = examples("jobs.md")
    notebook.run(first)
    notebook.run(second.replace('resources={"cpus": 2', 'resources={"cpus": 1'))
    notebook.run("import numpy as np\nx = np.zeros((3, 4))")
    for code in rest:
        notebook.run(code)
    assert "'ok'" in notebook.run("training.state")


def test_packages(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's commands, but for those that need a package index."""
    page = (DOCS / "packages.md").read_text()
    for command in ("pip list", "perijove-lab packages", "perijove-lab reset-packages"):
        assert command in page
        assert "command not found" not in notebook.run(f"!{command}")


@pytest.mark.parametrize("page", ["data.md", "jobs.md"])
def test_functions_named_on_the_pages_exist(page: str) -> None:
    import perijove_lab

    called = set(
        re.findall(
            r"(?<![\w.])(get|put|submit|jobs|job|load_\w+|run_script_job)\(", (DOCS / page).read_text()
        )
    )
    assert called <= set(perijove_lab.__all__)
    check: Callable[..., Any] = getattr
    assert all(callable(check(perijove_lab, name)) for name in called)
