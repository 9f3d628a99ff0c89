"""`python -m perijove_lab.galaxy job PARAMETERS.json`, or `… lab PARAMETERS.json NAMES.json NOTEBOOK`.

The exit code is the runner's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from perijove_lab.runner.errors import RunnerError

REFUSED = 2
_USAGE = "usage: python -m perijove_lab.galaxy job PARAMETERS.json | lab PARAMETERS.json NAMES.json NOTEBOOK"


def main(arguments: list[str]) -> int:
    """Run one command."""
    commands: dict[tuple[str, int], Callable[..., int]] = {("job", 1): _job, ("lab", 3): _lab}
    command = commands.get((arguments[0], len(arguments) - 1)) if arguments else None
    if command is None:
        print(_USAGE, file=sys.stderr)
        return REFUSED
    try:
        return command(*map(Path, arguments[1:]))
    except RunnerError as error:
        from perijove_lab.galaxy.told import tell_refusal

        tell_refusal(error)
        return REFUSED


def _job(parameters: Path) -> int:
    from perijove_lab.galaxy.job import run

    return run(parameters)


def _lab(parameters: Path, names: Path, notebook: Path) -> int:
    from perijove_lab.galaxy.lab import run

    return run(parameters, names, notebook)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
