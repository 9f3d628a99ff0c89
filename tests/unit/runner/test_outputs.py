from __future__ import annotations

from typing import Any

import pytest
from nbformat import NotebookNode

from perijove_lab.printed import bounds
from perijove_lab.printed.bounds import squash
from perijove_lab.runner.outputs import CellOutputs, Log


def texts(outs: list[NotebookNode]) -> list[str]:
    return [out["text"] for out in outs]


def test_short_text_stays_whole_and_in_one_piece() -> None:
    outs: list[NotebookNode] = []
    cell = CellOutputs()
    for piece in ("a\n", "b\n"):
        cell.add_text(outs, "stdout", piece)
    cell.add_text(outs, "stderr", "oh\n")
    cell.add_text(outs, "stdout", "c\n")
    cell.settle()
    assert [(out["name"], out["text"]) for out in outs] == [
        ("stdout", "a\nb\n"),
        ("stderr", "oh\n"),
        ("stdout", "c\n"),
    ]


def test_long_text_keeps_head_and_tail() -> None:
    outs: list[NotebookNode] = []
    cell = CellOutputs(head=100, tail=50)
    for number in range(10_000):
        cell.add_text(outs, "stdout", f"{number:06}\n")
    cell.settle()
    head, tail = texts(outs)
    assert head.startswith("000000\n000001\n")
    assert len(head) == 100
    assert tail.endswith("009998\n009999\n")
    assert "69,850 characters are left out" in tail
    assert len(tail) < 200


def test_one_huge_text_is_cut_the_same_way() -> None:
    outs: list[NotebookNode] = []
    cell = CellOutputs(head=10, tail=10)
    cell.add_text(outs, "stdout", "a" * 10 + "b" * 1000 + "c" * 10)
    cell.settle()
    assert texts(outs)[0] == "a" * 10
    assert "1,000 characters" in texts(outs)[1]
    assert texts(outs)[1].endswith("c" * 10)


def test_progress_bars_take_no_room() -> None:
    outs: list[NotebookNode] = []
    cell = CellOutputs(head=1000, tail=10)
    for percent in range(100_000):
        cell.add_text(outs, "stderr", f"\r{percent}/100000 [=====>....]")
    cell.settle()
    assert texts(outs) == ["99999/100000 [=====>....]"]


def test_a_cleared_cell_starts_a_new_tail() -> None:
    outs: list[NotebookNode] = []
    cell = CellOutputs(head=5, tail=5)
    cell.add_text(outs, "stdout", "x" * 100)
    outs.clear()
    cell.add_text(outs, "stdout", "new")
    cell.settle()
    assert texts(outs) == ["new"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\rb", "b"), ("a\r\nb", "a\r\nb"), ("x\n1%\r2%\r3%", "x\n3%"), ("a\r", "a\r"), ("plain", "plain")],
)
def test_squash(text: str, shown: str) -> None:
    assert squash(text) == shown


def test_pictures_are_counted_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "RICH_CELL", 100)
    outs: list[NotebookNode] = []
    cell = CellOutputs()
    admitted = [cell.admits({"image/png": "x" * 40}, outs) for _ in range(5)]
    assert admitted == [True, True, False, False, False]
    assert "3 more pictures" in texts(outs)[0]
    assert len(outs) == 1


def test_an_enormous_error_fits_on_a_page() -> None:
    content: dict[str, Any] = {"ename": "E", "evalue": "v" * 10**6, "traceback": ["t" * 10**6] * 1000}
    bounded = bounds.bounded_error(content)
    assert len(bounded["evalue"]) == 20_000
    assert len(bounded["traceback"]) == 201
    assert max(map(len, bounded["traceback"])) < 21_000


def test_the_log_is_capped(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(cap=10)
    for _ in range(5):
        log.write("stdout", "12345678")
    shown = capsys.readouterr().out
    assert shown.startswith("1234567812")
    assert shown.count("log full") == 1
    assert len(shown) < 60
