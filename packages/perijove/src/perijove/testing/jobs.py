"""Jobs without an AI environment: one that holds nothing but a double of the runner."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from perijove.testing import runner_double

_KERNEL_DOUBLE = """
import runpy, sys
sys.argv = sys.argv[sys.argv.index("-m") + 1 :]  # run --home HOME -- -m MODULE ARGUMENTS
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def make_environment(home: Path) -> None:
    """Make the environment `ai` in `home`: the runner's double and nothing else, on this Python."""
    root = home / "envs" / "ai"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    runner = root / "lib" / f"python{version}" / "site-packages" / "perijove_lab" / "runner"
    runner.mkdir(parents=True)
    (root / "bin").mkdir()
    base = os.path.realpath(sys.executable)
    (root / "bin" / "python").symlink_to(base)
    (root / "pyvenv.cfg").write_text(f"home = {Path(base).parent}\ninclude-system-site-packages = false\n")
    (runner.parent / "__init__.py").touch()
    (runner / "__init__.py").touch()
    kernel = runner.parent / "kernel"
    kernel.mkdir()
    (kernel / "__init__.py").touch()
    (kernel / "__main__.py").write_text(_KERNEL_DOUBLE)
    (runner / "__main__.py").write_text(Path(runner_double.__file__).read_text())
    for path in (home, root.parent, *root.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
