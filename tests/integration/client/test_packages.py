"""What a user installs is there after a restart, in notebooks and jobs. No package index is needed here."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.ai
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def make_wheel(folder: Path, name: str, version: str, code: str, *requires: str) -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    more = "".join(f"Requires-Dist: {one}\n" for one in requires)
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", code)
        wheel.writestr(f"{info}/METADATA", METADATA.format(name=name, version=version, more=more))
        wheel.writestr(f"{info}/WHEEL", WHEEL)
        names = (f"{name}/__init__.py", *(f"{info}/{one}" for one in ("METADATA", "WHEEL", "RECORD")))
        wheel.writestr(f"{info}/RECORD", "".join(f"{one},,\n" for one in names))
    return path


def test_installed_once_there_for_good(
    notebook: Any,
    open_notebook: Callable[[], Any],
    work: Path,
    ai_python: Path,
    write_notebook: Any,
    job_home: Path,
) -> None:
    wheel = make_wheel(work, "mytool", "1.0", "answer = 42", "numpy>=1", "scikit-learn")
    printed = notebook.run(f"%pip install --no-index {wheel}")
    assert "Requirement already satisfied: numpy" in printed
    assert notebook.run("import mytool; print(mytool.answer)").strip() == "42"
    assert not list(ai_python.parent.parent.glob("lib/python*/site-packages/mytool*"))
    later = open_notebook()
    assert (
        later.run("import mytool; print(mytool.__file__)").strip().startswith(str(work.parent / ".perijove"))
    )
    assert later.run("!perijove-lab packages").split()[-1] == "mytool"
    write_notebook(work / "uses.ipynb", [("", "import mytool\nresult = mytool.answer")])
    shutil.copytree(work.parent / ".perijove", job_home / ".perijove", symlinks=True)
    assert (
        later.run("print(load_arrays(submit('uses.ipynb').wait().outputs().arrays))").strip().endswith("42}")
    )
    later.run("%pip uninstall -y mytool")
    assert "none" in later.run("!perijove-lab packages")


def test_a_newer_version_of_a_shared_package_is_used(notebook: Any, open_notebook: Any, work: Path) -> None:
    wheel = make_wheel(work, "tqdm", "999.0", "__version__ = '999.0'")
    notebook.run(f"%pip install --no-index {wheel}")
    assert open_notebook().run("import tqdm; print(tqdm.__version__)").strip() == "999.0"


def test_a_package_that_breaks_the_kernel_is_left_out_and_can_be_removed(
    notebook: Any, open_notebook: Any, work: Path
) -> None:
    wheel = make_wheel(work, "traitlets", "999.0", "raise RuntimeError('broken on purpose')")
    notebook.run(f"%pip install --no-index --no-deps {wheel}")
    broken = open_notebook()
    assert "broken on purpose" in broken.run("1")
    broken.run("!pip uninstall -y traitlets")
    assert "broken" not in open_notebook().run("1")


@pytest.mark.root
def test_the_shared_environment_needs_no_write_access(work: Path, ai_python: Path, tmp_path: Path) -> None:
    """As another uid, for whom the environment is read-only."""
    home = Path("/var/tmp") / f"pj-packages-{os.getpid()}"
    home.mkdir()
    wheel = make_wheel(home, "mytool", "1.0", "answer = 42")
    os.chown(home, 200_777, 200_777)
    wheel.chmod(0o644)
    own = f"{home}/.perijove/envs/{ai_python.parent.parent.name}/bin"
    code = (
        f"{ai_python} -P -m perijove_lab.kernel prepare > /dev/null && "
        f"{own}/pip install --no-index {wheel} && "
        f"{own}/python -c 'import mytool, numpy; print(mytool.answer)'"
    )
    argv = ["setpriv", "--reuid", "200777", "--regid", "200777", "--clear-groups", "sh", "-c", code]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, env={"HOME": str(home), "PATH": "/usr/bin:/bin"}, cwd="/"
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "42"
    finally:
        shutil.rmtree(home)
