"""Environments as a user's machine has them, kept between runs: what tests and benchmarks run on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import bootstrap


def test_home() -> Path:
    """Where they are kept; traversable by every uid, as sandboxes need it."""
    return Path(os.environ.get("PERIJOVE_TEST_HOME", "/var/tmp/perijove-test")).absolute()  # noqa: S108 (kept, and said so)


def provide_environments() -> dict[str, str]:
    """Install what is missing or old; variables that name them."""
    home = test_home()
    variables = {"PERIJOVE_HOME": str(home), "PERIJOVE_SINGLE_USER": str(os.geteuid() != 0).lower()}
    os.environ["PERIJOVE_HOME"] = str(home)
    python = bootstrap.install()
    command = [str(python.parent / "perijove"), "env", "update"]
    subprocess.run(command, env={**os.environ, **variables}, check=True)
    return {
        "PERIJOVE_TEST_HOME": str(home),
        "PERIJOVE_TEST_AI_PYTHON": str(home / "envs" / "ai" / "bin" / "python"),
        "PERIJOVE_TEST_LAB_PYTHON": str(home / "envs" / "lab" / "bin" / "python"),
    }
