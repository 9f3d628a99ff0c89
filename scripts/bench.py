"""Run the benchmarks on an installed platform, made on a fresh machine (`make bench`).

    python3 scripts/bench.py [NAME …]

`PERIJOVE_TEST_HOME` (default /var/tmp/perijove-test) keeps the platform between runs; one that runs there
already is used as it is.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import develop
from installed import provide_environments
from perijove.core.errors import PerijoveError


def main(arguments: list[str]) -> int:
    """The benchmarks' exit code."""
    python = develop.ensure()
    home = provide_environments()["PERIJOVE_TEST_HOME"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PERIJOVE_")}
    given = {"PERIJOVE_HOME": home, "PERIJOVE_PORT": str(free_port())}
    run = [str(python), "-m", "benchmarks", *arguments]
    return subprocess.run(run, cwd=develop.ROOT, env={**kept, **given}, check=False).returncode


def free_port() -> int:
    """One for the front door: another platform on this machine may have the usual one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PerijoveError as error:
        sys.exit(f"{error.message}\n{error.advice}".rstrip())
