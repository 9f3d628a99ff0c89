"""Write docs/reference/bioblend.md: BioBlend's own tests on the embedded server and on a real Galaxy.

    python scripts/bioblend_table.py [--embedded-only]

It installs and starts a real Galaxy (docs/developers/galaxy.md), or takes the one in PERIJOVE_TEST_GALAXY.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from bioblend.galaxy import GalaxyInstance

import galaxy
from perijove.testing import bioblend_suite
from perijove.testing.bioblend_suite import Result
from perijove.testing.history_server import serving_jobs
from perijove.testing.real_galaxy.server import Running

_ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = _ROOT / "tests" / "contract" / "bioblend" / "left_out.toml"
PAGE = _ROOT / "docs" / "reference" / "bioblend.md"
Results = dict[str, Result]
_INTRODUCTION = """\
# BioBlend's own tests

BioBlend, the client library of Galaxy, carries its own tests in its wheel. They run, as an administrator,
against the embedded history server in `make test-bioblend` (part of `make test-services`), and against a real
Galaxy. What is left out on the embedded server stands, with its reason, in
`tests/contract/bioblend/left_out.toml`: any other test that does not pass, and any test left out that passes,
is an error.

The real Galaxy is the one of `make test-galaxy`: SQLite, local job runner, a handful of its tools, no conda.
A test that failed there was run once more by itself. This page is made by `make bioblend-table`.
"""


def embedded() -> Results:
    """The results of a server started for this."""
    with tempfile.TemporaryDirectory() as home, serving_jobs(Path(home)) as server:
        return bioblend_suite.run(server.url, server.keys["admin"])


def summary(name: str, results: Results) -> str:
    """One row: how many tests passed, were skipped, failed."""
    counts = Counter(result.outcome for result in results.values())
    return f"| {name} | {counts['passed']} | {counts['skipped']} | {counts['failed']} | {len(results)} |"


def row(
    test: str, ours: Results, galaxys: Results | None, left_out: dict[str, str], known: dict[str, str]
) -> str:
    """One test on both servers."""
    here = (
        "passed" if ours[test].outcome == "passed" else f"left out: {left_out.get(test, ours[test].reason)}"
    )
    cells = [f"`{test}`", here]
    if galaxys is not None:
        there = galaxys.get(test, Result("failed", "not run"))
        why = "" if there.outcome == "passed" else known.get(test, there.reason)
        cells.append(": ".join(filter(None, (there.outcome, why))))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def page(ours: Results, galaxys: Results | None, galaxy_name: str) -> str:
    """The whole page."""
    left_out = bioblend_suite.read_left_out(LEFT_OUT, "embedded")
    known = bioblend_suite.read_left_out(LEFT_OUT, "galaxy")
    servers = ["embedded server", *([galaxy_name] if galaxys is not None else [])]
    lines = [_INTRODUCTION, f"BioBlend {version('bioblend')}:", ""]
    lines += ["| server | passed | skipped | failed | tests |", "| --- | --- | --- | --- | --- |"]
    lines.append(summary(servers[0], ours))
    if galaxys is not None:
        lines.append(summary(servers[1], galaxys))
    for name in bioblend_suite.CLASSES:
        lines += ["", f"## {name}", "", "| test | " + " | ".join(servers) + " |"]
        lines.append("| --- " * (1 + len(servers)) + "|")
        tests = [test for test in bioblend_suite.test_ids() if test.startswith(f"{name}.")]
        lines += [row(test, ours, galaxys, left_out, known) for test in tests]
    return "\n".join(lines)


@contextmanager
def real_galaxy() -> Iterator[tuple[str, str]]:
    """Address and administrator's key of the Galaxy in PERIJOVE_TEST_GALAXY, else of one started for this."""
    folder = os.environ.get("PERIJOVE_TEST_GALAXY")
    running = Running.find(Path(folder)) if folder else None
    if running is not None:
        yield running.url, running.keys["admin"]
        return
    place = galaxy.home() / "galaxy" / "table-run"
    shutil.rmtree(place, ignore_errors=True)
    with galaxy.real_galaxy(place) as started:
        yield started.url, started.keys["admin"]


def on_galaxy() -> tuple[str, Results]:
    """The real Galaxy's name with its version, and its results."""
    with real_galaxy() as (url, key):
        found = GalaxyInstance(url, key=key).config.get_version()
        return f"Galaxy {found['version_major']}.{found['version_minor']}", bioblend_suite.run_twice(url, key)


def main(arguments: list[str]) -> None:
    """Run the tests and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--embedded-only", action="store_true", help="no real Galaxy: without its column")
    chosen = parser.parse_args(arguments)
    name, galaxys = ("", None) if chosen.embedded_only else on_galaxy()
    PAGE.write_text(page(embedded(), galaxys, name) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
