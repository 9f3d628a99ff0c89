"""`python -m perijove_lab.galaxy job|lab PARAMETERS.json`; the exit code is the runner's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from perijove_lab.runner.errors import RunnerError

REFUSED = 2


def main(arguments: list[str]) -> int:
    """Run one command."""
    commands: dict[str, Callable[[Path], int]] = {"job": _job, "lab": _lab}
    if len(arguments) != 2 or arguments[0] not in commands:
        print("usage: python -m perijove_lab.galaxy job|lab PARAMETERS.json", file=sys.stderr)
        return REFUSED
    try:
        return commands[arguments[0]](Path(arguments[1]))
    except RunnerError as error:
        from perijove_lab.galaxy.told import tell_refusal

        tell_refusal(error)
        return REFUSED


def _job(parameters: Path) -> int:
    from perijove_lab.galaxy.job import run

    return run(parameters)


def _lab(parameters: Path) -> int:
    from perijove_lab.galaxy.lab import run

    return run(parameters)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
