"""The command line: one file for each command, imported only when it runs."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """The program `perijove`. Nobody meets a traceback, unless PERIJOVE_DEBUG is set."""
    from perijove.cli.app import program
    from perijove.core.errors import ConfigurationError, PerijoveError

    try:
        program()
    except PerijoveError as error:
        _raise_for_developers()
        print(f"perijove: {error.message}", *filter(None, [error.advice]), sep="\n", file=sys.stderr)
        sys.exit(2 if isinstance(error, ConfigurationError) else 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains again at exit
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        _raise_for_developers()
        print(
            f"perijove: unexpected {type(error).__name__}: {error}",
            "This is a fault of Perijove. With PERIJOVE_DEBUG=1 it shows where; please report that.",
            sep="\n",
            file=sys.stderr,
        )
        sys.exit(70)


def _raise_for_developers() -> None:
    if os.environ.get("PERIJOVE_DEBUG"):
        raise
