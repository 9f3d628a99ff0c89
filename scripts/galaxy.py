"""A real Galaxy by hand and for the tests (docs/developers/galaxy.md). Run it with the Python of `.venv`.

    .venv/bin/python scripts/galaxy.py install           Galaxy, its interactive tools' proxy, planemo
    .venv/bin/python scripts/galaxy.py up [FOLDER]       start one with the tools of galaxy/; Ctrl-C ends it
    .venv/bin/python scripts/galaxy.py test [ARGUMENTS]  start one, run pytest and planemo against it, end it

Its database is a PostgreSQL in the same folder where one is installed, as Galaxy's administrators run it;
else, or with `PERIJOVE_GALAXY_DATABASE=sqlite`, SQLite.
`PERIJOVE_TEST_HOME` (default /var/tmp/perijove-test) keeps the installations between runs. Galaxy's port is
`PERIJOVE_GALAXY_PORT` (default 18080), the next one is the proxy's. Jobs run with the Python that
`PERIJOVE_TEST_AI_PYTHON` names, else with the developers' own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from perijove.core.errors import PerijoveError
from perijove.testing import postgres
from perijove.testing.real_galaxy.configuration import GalaxyOptions
from perijove.testing.real_galaxy.installation import Installer
from perijove.testing.real_galaxy.server import GalaxyStartError, RealGalaxy

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "galaxy"
SUITES = ("tests/contract/galaxy_api", "tests/integration/galaxy")


def report(line: str) -> None:
    """One line of progress."""
    print(f"galaxy: {line}", file=sys.stderr, flush=True)


def home() -> Path:
    """Where the installations are kept."""
    return Path(os.environ.get("PERIJOVE_TEST_HOME", "/var/tmp/perijove-test")).absolute()  # noqa: S108


def tool_files() -> list[Path]:
    """The tools of this repository, without what they share."""
    return sorted(path for path in TOOLS.glob("*.xml") if path.name != "macros.xml")


def on_postgresql() -> bool:
    """Whether Galaxy's database is a PostgreSQL. SystemExit where it is asked for and there is none."""
    wanted = os.environ.get("PERIJOVE_GALAXY_DATABASE", "")
    if wanted not in ("", "sqlite", "postgresql"):
        sys.exit(f"PERIJOVE_GALAXY_DATABASE is {wanted!r}: sqlite or postgresql.")
    if wanted == "sqlite":
        return False
    if not (found := postgres.is_installed()):
        if wanted:
            sys.exit("There is no PostgreSQL here: apt-get install postgresql")
        report("SQLite, on which no pipeline is run on; for more: apt-get install postgresql")
    return found


def installer() -> Installer:
    """Installs below `home()`."""
    return Installer(home() / "galaxy", python=Path(sys.executable), report=report)


def real_galaxy(folder: Path) -> RealGalaxy:
    """A Galaxy in `folder` with this repository's tools."""
    port = int(os.environ.get("PERIJOVE_GALAXY_PORT", "18080"))
    options = GalaxyOptions(
        folder=folder,
        port=port,
        proxy_port=port + 1,
        python=Path(os.environ.get("PERIJOVE_TEST_AI_PYTHON", sys.executable)),
        postgresql=on_postgresql(),
        tools=tool_files(),
        sources=[ROOT / "packages" / "perijove-lab" / "src"],
        # A lab without a container, of which the tool itself tells Galaxy.
        variables={"PERIJOVE_LAB_PYTHON": os.environ.get("PERIJOVE_TEST_LAB_PYTHON", "")},
    )
    return RealGalaxy(installer().galaxy(), options)


def install(_: list[str]) -> int:
    """Everything that `test` needs."""
    installer().galaxy()
    installer().planemo()
    return 0


def up(arguments: list[str]) -> int:
    """Start one and keep it until Ctrl-C or SIGTERM."""
    folder = Path(arguments[0]).absolute() if arguments else home() / "galaxy" / "run"
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with real_galaxy(folder) as galaxy:
        report(f"{galaxy.url} answers; keys: {folder}/running.json; logs: {galaxy.options.logs}")
        report(f"tests use it with PERIJOVE_TEST_GALAXY={folder}")
        ended.wait()
    return 0


def test(arguments: list[str]) -> int:
    """pytest's and planemo's verdict on a Galaxy of their own."""
    planemo = installer().planemo()
    folder = home() / "galaxy" / "test-run"
    shutil.rmtree(folder, ignore_errors=True)
    with real_galaxy(folder) as galaxy:
        report(f"{galaxy.url} answers")
        suites = [suite for suite in SUITES if (ROOT / suite).is_dir()]
        environment = {**os.environ, "PERIJOVE_TEST_GALAXY": str(folder)}
        command = [sys.executable, "-m", "pytest", *suites, *arguments]
        codes = [subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode]
        if not arguments:
            codes += [lint(planemo), tool_tests(planemo, galaxy)]
        if any(codes):
            print(galaxy.log_ends(), file=sys.stderr)
    return max(codes)


def lint(planemo: Path) -> int:
    """`planemo lint` of every tool."""
    tools = map(str, tool_files())
    return subprocess.run([str(planemo), "lint", "--fail_level", "warn", *tools], check=False).returncode


def tool_tests(planemo: Path, galaxy: RealGalaxy) -> int:
    """`planemo test` of every tool, on the Galaxy that runs."""
    # The keys travel as variables: everybody may read a process list.
    environment = {
        **os.environ,
        "PLANEMO_GALAXY_ADMIN_KEY": galaxy.keys["admin"],
        "PLANEMO_GALAXY_USER_KEY": galaxy.keys["admin"],
    }
    command = [str(planemo), "test", "--engine", "external_galaxy", "--galaxy_url", galaxy.url]
    command += ["--test_data", str(TOOLS / "test-data")]
    tools = map(str, tool_files())
    folder = galaxy.options.folder
    return subprocess.run([*command, *tools], cwd=folder, env=environment, check=False).returncode


COMMANDS: dict[str, Callable[[list[str]], int]] = {"install": install, "up": up, "test": test}


def main(arguments: list[str]) -> int:
    """The exit code of the command; 2 for one that does not exist."""
    if not arguments or arguments[0] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    return COMMANDS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PerijoveError as error:
        sys.exit(f"{error.message}\n{error.advice}".rstrip())
    except GalaxyStartError as error:
        sys.exit(str(error))
