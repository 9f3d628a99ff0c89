"""Progress that shows in a notebook, stays in it when saved, and works in a terminal; no widgets."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

_EVERY = 0.25  # seconds between two pictures: more would fill the browser's queue
_WIDTH = 24


class Progress:
    """A label, a bar and a text. Use it as a context; leaving it draws the last state.

    `done` and `total` may be any numbers; without `total` only the text shows.
    """

    def __init__(self, label: str, *, total: float | None = None) -> None:
        self.label = label
        self.done: float = 0
        self.total = total
        self.text = ""
        self.started = time.monotonic()
        self._drawn = 0.0
        self._screen = _screen()

    def __enter__(self) -> Self:
        self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and not self.text:
            self.text = "stopped"
        self._draw()
        self._screen.end()

    def update(
        self, done: float | None = None, *, text: str | None = None, total: float | None = None
    ) -> None:
        """Note how far it is; drawn at most four times a second."""
        self.done = self.done if done is None else done
        self.total = self.total if total is None else total
        self.text = self.text if text is None else text
        if time.monotonic() - self._drawn >= _EVERY:
            self._draw()

    def finish(self, text: str) -> None:
        """The last words; what stays in the notebook."""
        self.text = text
        self.done = self.total if self.total is not None else self.done

    @property
    def elapsed(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self.started

    @property
    def fraction(self) -> float | None:
        """From 0 to 1; None where the total is unknown."""
        if not self.total:
            return None
        return min(1.0, max(0.0, self.done / self.total))

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        self._screen.draw(self)

    def plain(self) -> str:
        """One line of text."""
        if self.fraction is None:
            return f"{self.label}: {self.text}".rstrip(": ")
        filled = round(self.fraction * _WIDTH)
        bar = "█" * filled + "·" * (_WIDTH - filled)
        return f"{self.label} [{bar}] {self.fraction:4.0%} {self.text}".rstrip()

    def html(self) -> str:
        """One line of HTML, made of tags that JupyterLab leaves in notebooks that are not trusted."""
        label, text = html.escape(self.label), html.escape(self.text)
        if self.fraction is None:
            return f"<div>{label} <small>{text}</small></div>"
        bar = f'<progress value="{self.fraction:.4f}" max="1">{self.fraction:.0%}</progress>'
        return f"<div>{label} {bar} {self.fraction:.0%} <small>{text}</small></div>"


class Share:
    """A part of a Progress that is counted in bytes: one file of several, which begins at byte `start`."""

    def __init__(self, progress: Progress, start: int, total: int | None) -> None:
        self._progress, self._start, self._total = progress, start, total

    def seen(self, done: int) -> None:
        """So many bytes of this file have passed."""
        done += self._start
        self._progress.update(done, text=transferred(done, self._total, self._progress.elapsed))

    def told(self, text: str) -> None:
        """Something else to show."""
        self._progress.update(text=text)


def transferred(done: float, total: float | None, seconds: float) -> str:
    """`12 MB of 1.2 GB, 48 MB/s, 25 s left`."""
    rate = done / seconds if seconds > 0 else 0.0
    parts = [f"{size(done)} of {size(total)}" if total else size(done)]
    if seconds > 1 and rate:
        parts.append(f"{size(rate)}/s")
        if total and total > done:
            parts.append(f"{duration((total - done) / rate)} left")
    return ", ".join(parts)


def size(amount: float) -> str:
    """Bytes for people, in powers of 1000, as file managers show them."""
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def duration(seconds: float) -> str:
    """Seconds for people: 48 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def in_notebook() -> bool:
    """Whether a kernel with a front end runs this."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


class _Terminal:
    """Redraws one line; where standard error is no terminal, only the last state is written."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._line = ""

    def draw(self, progress: Progress) -> None:
        self._line = progress.plain()
        if self._live:
            sys.stderr.write(f"\r\x1b[2K{self._line}")
            sys.stderr.flush()

    def end(self) -> None:
        sys.stderr.write("\n" if self._live else f"{self._line}\n")
        sys.stderr.flush()


class _Notebook:
    """One output, replaced in place."""

    def __init__(self) -> None:
        self._handle: Any = None

    def draw(self, progress: Progress) -> None:
        from IPython.display import display

        bundle = {"text/html": progress.html(), "text/plain": progress.plain()}
        if self._handle is None:
            self._handle = display(  # type: ignore[no-untyped-call]
                bundle, raw=True, display_id=True
            )
        else:
            self._handle.update(bundle, raw=True)

    def end(self) -> None:
        """Nothing: the last picture stays."""


@dataclass(frozen=True)
class _Told:
    """Whoever asked for it by `shown_by`."""

    show: Callable[[Progress], None]

    def draw(self, progress: Progress) -> None:
        self.show(progress)

    def end(self) -> None:
        """Nothing: the last state was told."""


_teller: ContextVar[_Told | None] = ContextVar("teller", default=None)


@contextmanager
def shown_by(show: Callable[[Progress], None]) -> Iterator[None]:
    """All progress that begins in this context (and thread) is given to `show`; what that raises, rises."""
    token = _teller.set(_Told(show))
    try:
        yield
    finally:
        _teller.reset(token)


def _screen() -> _Terminal | _Notebook | _Told:
    return _teller.get() or (_Notebook() if in_notebook() else _Terminal())
