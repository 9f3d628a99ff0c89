"""core ← sandbox ← engines, environments ← histories, hub ← supervisor ← cli; three packages apart."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLATFORM = ROOT / "packages" / "perijove" / "src" / "perijove"
LAB = ROOT / "packages" / "perijove-lab" / "src" / "perijove_lab"
SHARED = LAB.parent / "perijove_pipelines"

ALLOWED = {
    "core": set(),
    "sandbox": {"core"},
    "engines": {"core", "sandbox"},
    "environments": {"core", "sandbox"},
    "images": {"core", "sandbox", "environments"},
    "histories": {"core", "sandbox", "engines", "environments"},
    "hub": {"core", "sandbox", "engines", "environments"},
    "supervisor": {"core", "sandbox", "engines", "environments", "hub"},
    "demo": {"core", "hub", "supervisor"},
    "cli": {
        *("core", "sandbox", "engines", "environments", "images"),
        *("histories", "hub", "supervisor", "demo"),
    },
    "testing": {"core", "sandbox", "engines", "environments", "histories", "hub", "supervisor", "cli"},
}
# Installed before anything else is: scripts/bootstrap.py runs it with nothing but the standard library.
STANDARD_LIBRARY_ONLY = "environments"


def imported(file: Path) -> Iterator[str]:
    """Absolute names of every module that `file` imports, wherever in the file it does."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@pytest.mark.parametrize(
    "part", sorted(path.name for path in PLATFORM.iterdir() if (path / "__init__.py").is_file())
)
def test_parts_import_only_what_lies_below_them(part: str) -> None:
    for file in sources(PLATFORM / part):
        for name in imported(file):
            if not name.startswith("perijove."):
                continue
            other = name.split(".")[1]
            if (PLATFORM / other).is_dir():
                assert other == part or other in ALLOWED[part], f"{file.relative_to(ROOT)} imports {name}"


def test_the_lab_side_imports_nothing_of_the_platform() -> None:
    files = sources(LAB)
    assert files
    for file in files:
        for name in imported(file):
            assert name.split(".")[0] != "perijove", f"{file.relative_to(ROOT)} imports {name}"


def test_the_platform_imports_nothing_of_the_lab_side() -> None:
    for file in sources(PLATFORM):
        for name in imported(file):
            assert name.split(".")[0] != "perijove_lab", f"{file.relative_to(ROOT)} imports {name}"


def test_what_both_sides_share_imports_neither() -> None:
    files = sources(SHARED)
    assert files
    for file in files:
        for name in imported(file):
            top = name.split(".")[0]
            known = top in sys.stdlib_module_names or top in ("perijove_pipelines", "yaml")
            assert known, f"{file.relative_to(ROOT)} imports {name}"


def test_environments_need_nothing_installed() -> None:
    for file in sources(PLATFORM / STANDARD_LIBRARY_ONLY):
        for name in imported(file):
            top = name.split(".")[0]
            bare = name.startswith(("perijove.core.errors", "perijove.core.layout", "perijove.environments"))
            assert top in sys.stdlib_module_names or bare, f"{file.relative_to(ROOT)} imports {name}"


def test_the_core_imports_no_web_framework_and_no_database() -> None:
    forbidden = {"fastapi", "starlette", "tornado", "jupyterhub", "sqlalchemy", "requests", "httpx"}
    for file in sources(PLATFORM / "core"):
        assert not {name.split(".")[0] for name in imported(file)} & forbidden, file
