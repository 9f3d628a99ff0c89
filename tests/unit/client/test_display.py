"""Progress in a terminal and in a notebook."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from perijove_lab.client import display
from perijove_lab.client.display import Progress, duration, size, transferred


def test_without_a_terminal_only_the_end_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("ct.h5", total=100) as progress:
        for done in range(100):
            progress.update(done)
        progress.finish("imports/ct.h5")
    assert capsys.readouterr().err.count("\n") == 1


def test_notebook_output_is_replaced_in_place_and_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, dict[str, str]]] = []

    def show(bundle: dict[str, str], **_: Any) -> Any:
        shown.append(("display", bundle))
        return SimpleNamespace(update=lambda later, **_: shown.append(("update", later)))

    module = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=show))
    monkeypatch.setattr(display, "_EVERY", 0.0)
    with Progress("<ct>", total=4) as progress:
        progress.update(1)
        progress.finish("done")
    assert [kind for kind, _ in shown] == ["display", "update", "update"]
    assert 'value="1.0000"' in shown[-1][1]["text/html"]
    assert "&lt;ct&gt;" in shown[-1][1]["text/html"]
    assert "100%" in shown[-1][1]["text/plain"]


def test_fraction_stays_between_0_and_1() -> None:
    progress = Progress("x", total=10)
    progress.update(25)
    assert progress.fraction == 1.0
    progress.update(-3)
    assert progress.fraction == 0.0
    assert Progress("x").fraction is None


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_500_000, "2.5 MB"), (3e12, "3.0 TB")],
)
def test_size(amount: float, text: str) -> None:
    assert size(amount) == text


@pytest.mark.parametrize(("seconds", "text"), [(3.2, "3 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")])
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_transferred() -> None:
    assert transferred(5e6, 10e6, 5) == "5.0 MB of 10.0 MB, 1.0 MB/s, 5 s left"
    assert transferred(0, None, 0) == "0 B"
