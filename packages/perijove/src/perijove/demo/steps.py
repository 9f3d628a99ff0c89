"""Steps: named, timed, and where one fails it says which, why and what to do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests
from rich.console import Console

from perijove.core.errors import PerijoveError


class DemoError(PerijoveError):
    """A step of the demo failed."""

    status = 500


@dataclass
class Steps:
    """What was done, and how long each took (seconds)."""

    console: Console
    times: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Do one step. DemoError names it where it fails."""
        started = time.monotonic()
        try:
            yield
        except Exception as error:
            self.console.print(f"[red]✗[/red] {name}", highlight=False)
            raise translated(name, error) from error
        took = time.monotonic() - started
        self.times.append((name, took))
        self.console.print(f"[green]✓[/green] {name} [dim]{took:.1f} s[/dim]", highlight=False)

    def note(self, text: str) -> None:
        """A line below the steps."""
        self.console.print(f"  {text}", style="dim", highlight=False, markup=False, soft_wrap=True)


def translated(step: str, error: Exception) -> DemoError:
    """`error` as a failure of `step`."""
    if isinstance(error, PerijoveError):
        return DemoError(f"The step “{step}” failed: {error.message}", advice=error.advice, retry=error.retry)
    if isinstance(error, requests.RequestException | OSError):
        return DemoError(
            f"The step “{step}” failed: the platform did not answer ({type(error).__name__}: {error}).",
            advice="`perijove status` shows what runs, the folder `logs` of PERIJOVE_HOME what it said.",
            retry=True,
        )
    return DemoError(
        f"The step “{step}” failed unexpectedly: {type(error).__name__}: {error}.",
        advice="With PERIJOVE_DEBUG=1 it shows where; please report that.",
    )
