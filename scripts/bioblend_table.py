"""The page docs/reference/bioblend.md: BioBlend's own tests on the embedded server and on a real Galaxy.

    python scripts/bioblend_table.py [--galaxy URL] > docs/reference/bioblend.md

The key of the real Galaxy's administrator is taken from BIOBLEND_GALAXY_API_KEY.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path

from bioblend.galaxy import GalaxyInstance

from perijove.testing import bioblend_suite
from perijove.testing.bioblend_suite import Result
from perijove.testing.history_server import serving_jobs

LEFT_OUT = Path(__file__).parents[1] / "tests" / "contract" / "bioblend" / "left_out.toml"
Results = dict[str, Result]
_INTRODUCTION = """\
# BioBlend's own tests

BioBlend, the client library of Galaxy, carries its own tests in its wheel. They run, as an administrator,
against the embedded history server in `make test-bioblend` (part of `make test-services`), and against a real
Galaxy. What is left out on the embedded server stands, with its reason, in
`tests/contract/bioblend/left_out.toml`: any other test that does not pass, and any test left out that passes,
is an error.

This page is made by `make bioblend-table`.
"""


def embedded() -> Results:
    """The results of a server started for this."""
    with tempfile.TemporaryDirectory() as home, serving_jobs(Path(home)) as server:
        return bioblend_suite.run(server.url, server.keys["admin"])


def summary(name: str, results: Results) -> str:
    """One row: how many tests passed, were skipped, failed."""
    counts = Counter(result.outcome for result in results.values())
    return f"| {name} | {counts['passed']} | {counts['skipped']} | {counts['failed']} | {len(results)} |"


def row(test: str, ours: Results, galaxys: Results | None, left_out: dict[str, str]) -> str:
    """One test on both servers."""
    here = (
        "passed" if ours[test].outcome == "passed" else f"left out: {left_out.get(test, ours[test].reason)}"
    )
    cells = [f"`{test}`", here]
    if galaxys is not None:
        there = galaxys.get(test, Result("failed", "not run"))
        cells.append(": ".join(filter(None, (there.outcome, there.reason))))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def page(ours: Results, galaxys: Results | None, galaxy_name: str) -> str:
    """The whole page."""
    left_out = bioblend_suite.read_left_out(LEFT_OUT, "embedded")
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
        lines += [row(test, ours, galaxys, left_out) for test in tests]
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Run the tests and print the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--galaxy", metavar="URL", help="a real Galaxy to run them on too")
    chosen = parser.parse_args(arguments)
    galaxys, name = None, ""
    if chosen.galaxy:
        key = os.environ["BIOBLEND_GALAXY_API_KEY"]
        found = GalaxyInstance(chosen.galaxy, key=key).config.get_version()
        name = f"Galaxy {found['version_major']}.{found['version_minor']}"
        galaxys = bioblend_suite.run(chosen.galaxy, key)
    print(page(embedded(), galaxys, name))


if __name__ == "__main__":
    main(sys.argv[1:])
