"""Repeated measurements and the table they are printed in."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One comparison: `ours` against `bare`, both in `unit`, and what is aimed at."""

    what: str
    ours: float
    bare: float
    unit: str
    verdict: str
    aim: str


def seconds(action: Callable[[], object], *, repeat: int) -> float:
    """Median wall time of `action` in seconds over `repeat` runs."""
    times = []
    for _ in range(repeat):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def print_table(title: str, rows: list[Row]) -> None:
    """Print the rows, ratio included, as a table that fits a plain text log."""
    table = Table(title=title)
    for heading in ("what", "ours", "bare or peer", "ratio", "result", "aim"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        ratio = f"{row.ours / row.bare:.2f}" if row.bare else "-"
        table.add_row(
            row.what, f"{row.ours:.2f} {row.unit}", f"{row.bare:.2f} {row.unit}", ratio, row.verdict, row.aim
        )
    Console(width=150).print(table)
