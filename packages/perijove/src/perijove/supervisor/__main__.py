"""`python -m perijove.supervisor`: the platform in the background, as `perijove up --detach` starts it."""

from __future__ import annotations

import sys

from perijove.core.errors import PerijoveError
from perijove.core.settings import load_settings
from perijove.supervisor.platform import run_here


def main() -> None:
    """Say everything but the address line: it may hold a sign-in link, and this output is a log."""
    try:
        run_here(load_settings(), announce=lambda _: None, report=lambda line: print(line, flush=True))
    except PerijoveError as error:
        sys.exit(f"{error.message}\n{error.advice}".rstrip())


if __name__ == "__main__":
    main()
