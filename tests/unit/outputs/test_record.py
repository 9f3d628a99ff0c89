"""What a cell shows, and what a shared document is told of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_ydoc import YNotebook

from perijove_lab.outputs.documents import Cell
from perijove_lab.outputs.record import Bounds, Record

NAMES = st.sampled_from(["stdout", "stderr"])
TEXTS = st.text(alphabet="abé😀\n\r\b", min_size=1, max_size=5)
IDS = st.sampled_from(["", "one", "two"])
MESSAGES = st.one_of(
    st.builds(lambda name, text: ("stream", {"name": name, "text": text}), NAMES, TEXTS),
    st.builds(lambda value, name: ("display_data", display(value, name)), TEXTS, IDS),
    st.builds(lambda value, name: ("update_display_data", display(value, name)), TEXTS, IDS),
    st.builds(lambda wait: ("clear_output", {"wait": wait}), st.booleans()),
    st.just(("flush", {})),
)


def display(value: str, name: str = "") -> dict[str, Any]:
    transient = {"display_id": name} if name else {}
    return {"data": {"text/plain": value}, "metadata": {}, "transient": transient}


@pytest.fixture
def cell() -> Cell:
    return shared_cell()


def shared_cell() -> Cell:
    """A cell of a real shared document."""
    document = YNotebook()
    code = {"cell_type": "code", "id": "c1", "source": "", "metadata": {}, "execution_count": None}
    document.set({"cells": [{**code, "outputs": []}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    return Cell(SimpleNamespace(_document=document, ydoc=document.ydoc), "c1")


def send(record: Record, kind: str, content: dict[str, Any]) -> None:
    if kind == "update_display_data":
        record.update_display(content["transient"].get("display_id", ""), content)
    else:
        record.apply(kind, content)


def flush(record: Record, cell: Cell) -> None:
    if (change := record.change()) is not None:
        cell.write(change)


@given(st.lists(MESSAGES, max_size=15))
def test_the_document_shows_what_the_record_holds(messages: list[tuple[str, dict[str, Any]]]) -> None:
    record, cell = Record(), shared_cell()
    for kind, content in messages:
        if kind == "flush":
            flush(record, cell)
        else:
            send(record, kind, content)
    flush(record, cell)
    assert cell.outputs == record.outputs
    assert len(cell) == record.known
    assert record.change() is None


def test_streams_of_one_name_are_one_output_until_something_else_comes(cell: Cell) -> None:
    record = Record()
    for text in ("a", "b"):
        record.apply("stream", {"name": "stdout", "text": text})
        flush(record, cell)
    record.apply("stream", {"name": "stderr", "text": "!"})
    record.apply("stream", {"name": "stdout", "text": "c"})
    flush(record, cell)
    assert [output["text"] for output in cell.outputs] == ["ab", "!", "c"]


def test_clearing_with_wait_leaves_what_is_shown_until_the_next_output(cell: Cell) -> None:
    record = Record()
    record.apply("stream", {"name": "stdout", "text": "first"})
    record.apply("clear_output", {"wait": True})
    flush(record, cell)
    assert [output["text"] for output in cell.outputs] == ["first"]
    record.apply("stream", {"name": "stdout", "text": "second"})
    flush(record, cell)
    assert [output["text"] for output in cell.outputs] == ["second"]


def test_a_display_is_updated_in_its_place(cell: Cell) -> None:
    record = Record()
    record.apply("display_data", display("0 %", "bar"))
    record.apply("stream", {"name": "stdout", "text": "beside"})
    flush(record, cell)
    assert record.update_display("bar", display("100 %"))
    assert not record.update_display("another", display("x"))
    flush(record, cell)
    assert [output["output_type"] for output in cell.outputs] == ["display_data", "stream"]
    assert cell.outputs[0]["data"] == {"text/plain": "100 %"}


def test_an_error_is_kept_as_a_notebook_keeps_it(cell: Cell) -> None:
    record = Record()
    error = {"ename": "ZeroDivisionError", "evalue": "division by zero", "traceback": ["…"]}
    record.apply("error", {**error, "engine_info": {}})
    flush(record, cell)
    assert cell.outputs == [{"output_type": "error", **error}]


def test_what_a_user_clears_while_the_cell_runs_stays_away(cell: Cell) -> None:
    record = Record()
    record.apply("display_data", display("gone"))
    record.apply("stream", {"name": "stdout", "text": "gone too\n"})
    flush(record, cell)
    record.apply("stream", {"name": "stdout", "text": "new\n"})
    record.forget_known()
    cell.begin()
    flush(record, cell)
    assert [output["text"] for output in cell.outputs] == ["new\n"]


def test_running_and_done_are_seen_in_the_document(cell: Cell) -> None:
    cell.begin()
    shared = cell.room._document.ycells[0]
    assert (shared["execution_state"], shared["execution_count"]) == ("running", None)
    cell.end(3)
    assert (shared["execution_state"], shared["execution_count"]) == ("idle", 3)


def test_a_cell_that_was_deleted_is_let_go(cell: Cell) -> None:
    record = Record()
    record.apply("stream", {"name": "stdout", "text": "x"})
    del cell.room._document.ycells[0]
    assert not cell.exists
    flush(record, cell)
    cell.end(1)
    assert cell.outputs == []


def test_what_a_browser_adds_keeps_its_place(cell: Cell) -> None:
    from pycrdt import Map, Text

    record = Record()
    record.apply("stream", {"name": "stdout", "text": "your name? "})
    flush(record, cell)
    answer = {"output_type": "stream", "name": "stdin", "text": "ada\n"}
    cell.room._document.ycells[0]["outputs"].append(Map({**answer, "text": Text("ada\n")}))
    record.apply("stream", {"name": "stdout", "text": "hello\n"})
    record.apply("display_data", display("0 %", "bar"))
    record.adopt(cell.outputs[record.known :])
    flush(record, cell)
    record.update_display("bar", display("100 %"))
    record.apply("stream", {"name": "stdout", "text": "bye\n"})
    flush(record, cell)
    assert [output.get("text") for output in cell.outputs] == [
        "your name? ",
        "ada\n",
        "hello\n",
        None,
        "bye\n",
    ]
    assert cell.outputs[3]["data"] == {"text/plain": "100 %"}
    assert cell.outputs == record.outputs


SMALL = Bounds(head=2000, tail=100, live=20)


def prints(record: Record, text: str) -> None:
    record.apply("stream", {"name": "stdout", "text": text})


def shown(cell: Cell) -> list[str]:
    """Texts and pictures."""
    return [output["text"] if "text" in output else output["data"]["text/plain"] for output in cell.outputs]


def test_a_cell_that_prints_too_much_keeps_beginning_and_end(cell: Cell) -> None:
    record = Record(SMALL)
    for number in range(100_000):
        prints(record, f"{number:06}\n")
        if number % 1000 == 0:
            record.settle(whole=False)
            flush(record, cell)
            assert sum(map(len, shown(cell))) < 2500
    record.settle(whole=True)
    flush(record, cell)
    head, end = shown(cell)
    assert head.startswith("000000\n000001\n")
    assert "characters are left out here …]" in end
    assert end.endswith("099998\n099999\n")
    assert len(end) < 200
    assert cell.outputs == record.outputs
    assert not record.pending


def test_while_it_runs_little_of_the_end_is_sent(cell: Cell) -> None:
    record = Record(SMALL)
    prints(record, "h" * 2000)
    prints(record, "x" * 100)
    assert record.pending
    record.settle(whole=False)
    flush(record, cell)
    assert shown(cell)[1] == "\n\n[… 80 characters are left out here …]\n\n" + "x" * 20
    record.settle(whole=True)
    flush(record, cell)
    assert shown(cell)[1] == "x" * 100


def test_pictures_come_above_the_end_and_an_error_below(cell: Cell) -> None:
    record = Record(SMALL)
    prints(record, "h" * 5000)
    record.apply("display_data", display("0 %", "bar"))
    flush(record, cell)
    prints(record, "last\n")
    record.apply("error", {"ename": "E", "evalue": "", "traceback": ["…"]})
    record.update_display("bar", display("100 %"))
    record.settle(whole=True)
    flush(record, cell)
    kinds = [output["output_type"] for output in cell.outputs]
    assert kinds == ["stream", "display_data", "display_data", "error"]
    assert cell.outputs[1]["data"] == {"text/plain": "100 %"}
    assert cell.outputs[2]["data"]["text/plain"].endswith("last\n")
    assert cell.outputs == record.outputs


def test_clearing_makes_room_again(cell: Cell) -> None:
    record = Record(SMALL)
    for text in ("x" * 5000, "y" * 5000):
        record.apply("clear_output", {"wait": True})
        prints(record, text)
        record.settle(whole=True)
        flush(record, cell)
    assert shown(cell)[0] == "y" * 5000  # the head may be longer by one piece


def test_too_many_pictures_are_left_out_and_counted(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perijove_lab.printed.bounds.RICH_COUNT", 2)
    record = Record(SMALL)
    for number in range(5):
        record.apply("display_data", display(str(number)))
        flush(record, cell)
    prints(record, "goes on\n")
    record.settle(whole=True)
    flush(record, cell)
    assert shown(cell)[:2] == ["0", "1"]
    assert "3 more pictures or tables" in shown(cell)[2]
    assert shown(cell)[3] == "goes on\n"


def test_what_a_user_clears_of_a_long_text_stays_away(cell: Cell) -> None:
    record = Record(SMALL)
    prints(record, "x" * 80_000)
    record.settle(whole=False)
    flush(record, cell)
    prints(record, "gone with it")
    record.forget_known()
    cell.begin()
    prints(record, "new\n")
    flush(record, cell)
    assert shown(cell) == ["new\n"]


@given(st.lists(MESSAGES, max_size=25), st.booleans())
def test_within_any_bounds_the_document_shows_what_the_record_holds(
    messages: list[tuple[str, dict[str, Any]]], whole: bool
) -> None:
    record, cell = Record(Bounds(head=300, tail=6, live=3)), shared_cell()
    for kind, content in messages:
        if kind == "flush":
            record.settle(whole=whole)
            flush(record, cell)
        else:
            send(record, kind, content)
    record.settle(whole=True)
    flush(record, cell)
    assert cell.outputs == record.outputs
    assert len(cell) == record.known
