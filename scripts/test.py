"""Run the tests with everything they need (`make test`), made on a fresh machine and found on the next run.

    python3 scripts/test.py [--fast | --services | --slow | --galaxy | --images] [pytest's arguments]

Without a switch: the unit tests, and the sandbox's limits and privacy for real. `--services` runs every
test against real services but for those that take minutes; `--slow` runs these too; `--galaxy` runs those
that need a real Galaxy, which it installs and starts (docs/developers/galaxy.md); `--images` builds the lab's
container image and runs those that need one (docs/developers/image.md).

`PERIJOVE_TEST_HOME` (default /var/tmp/perijove-test) keeps the environments between runs.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import bootstrap
import develop
from installed import provide_environments, test_home
from perijove.core.errors import PerijoveError

CONFINED: dict[str, tuple[str, ...]] = {
    "bubblewrap": ("bwrap",),
    "slirp4netns": ("slirp4netns",),
}
SWITCHES = ("--fast", "--services", "--galaxy", "--images")
CORE = (
    "tests/unit",
    "tests/integration/sandbox/test_limits.py",
    "tests/integration/sandbox/test_privacy.py",
)
ENGINE: dict[str, tuple[str, ...]] = {"podman": ("podman",), "runc": ("runc",), "mmdebstrap": ("mmdebstrap",)}
# What a run may be told by its caller; any other PERIJOVE_ variable would be a platform's.
KEPT = (
    "PERIJOVE_GALAXY_DATABASE",
    "PERIJOVE_GALAXY_PORT",
    "PERIJOVE_TEST_CT",
    "PERIJOVE_TEST_EPOCHS",
    "PERIJOVE_TEST_PICTURES",
    "PERIJOVE_TEST_ROCRATE_VALIDATOR",
)
TOOLS: dict[str, tuple[str, ...]] = {
    **CONFINED,
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "postgresql": ("initdb", "pg_ctl", "/usr/lib/postgresql"),
}


def provide_tools(tools: dict[str, tuple[str, ...]]) -> None:
    """Debian's packages by apt, where root may; otherwise their tests are skipped and say so."""
    missing = [name for name, signs in tools.items() if not any(_there(sign) for sign in signs)]
    if not missing:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        bootstrap.report(
            f"without {', '.join(missing)} their tests are skipped; as root: {' '.join(command)}"
        )
        return
    bootstrap.report(f"installing {', '.join(missing)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False, capture_output=True)
    subprocess.run(command, env=quiet, check=False, capture_output=True)


def _there(sign: str) -> bool:
    return Path(sign).exists() if sign.startswith("/") else shutil.which(sign) is not None


def reachable(folder: Path) -> bool:
    """Whether other accounts can read below `folder`."""
    return all(part.stat().st_mode & stat.S_IXOTH for part in (folder, *folder.parents))


def copy_tree() -> Path:
    """A copy of this clone that the platform's account can read (a clone below /root is closed to it)."""
    target = test_home() / "clone"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=develop.ROOT,
        capture_output=True,
        check=True,
    )
    kept = target / ".venv"
    for entry in target.iterdir() if target.exists() else ():
        if entry != kept:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (source := develop.ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / name)
    return target


def main(arguments: list[str]) -> int:
    """pytest's exit code."""
    if os.geteuid() == 0 and not reachable(develop.ROOT):
        command = [sys.executable, "scripts/test.py", *arguments]
        os.umask(0o022)
        return subprocess.run(command, cwd=copy_tree(), check=False).returncode
    fast, galaxy, images = (name in arguments for name in ("--fast", "--galaxy", "--images"))
    services = galaxy or not {"--services", "--slow"}.isdisjoint(arguments)
    chosen = [argument for argument in arguments if argument not in SWITCHES]
    python = develop.ensure()
    variables: dict[str, str] = {}
    if services or images:
        provide_tools({**CONFINED, **ENGINE} if images else TOOLS)
        variables = provide_environments()
    elif not fast:
        provide_tools(CONFINED)
    environment = {
        name: value for name, value in os.environ.items() if name in KEPT or not name.startswith("PERIJOVE_")
    }
    where = [] if services else CORE[: 1 if fast else None]
    program = ["-m", "pytest", *where]
    if galaxy or images:
        program = ["scripts/galaxy.py" if galaxy else "scripts/images.py", "test"]
    run = [str(python), *program, *chosen]
    return subprocess.run(run, cwd=develop.ROOT, env={**environment, **variables}, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PerijoveError as error:
        sys.exit(f"{error.message}\n{error.advice}".rstrip())
