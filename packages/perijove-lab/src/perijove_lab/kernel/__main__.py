"""`python -P -m perijove_lab.kernel`; see the package for its commands."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> int:
    """Run one command. `start` comes first and imports nothing it does not need: a user waits for it."""
    if arguments[:1] == ["start"]:
        from perijove_lab.kernel.launch import start_kernel

        start_kernel(arguments[1:])
    from perijove_lab.kernel.commands import run_command

    return run_command(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
