"""Printed text as a terminal shows it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perijove_lab.outputs.stream import Stream

PIECES = st.lists(st.text(alphabet="abé😀\n\r\b", max_size=6), max_size=12)


def shown(*pieces: str) -> str:
    stream = Stream("stdout")
    for piece in pieces:
        stream.write(piece)
    return stream.text


@pytest.mark.parametrize(
    ("printed", "seen"),
    [
        ("10%\r20%\r100%\n", "100%\n"),
        ("long line\rshort", "shortline"),
        ("ab\bc", "ac"),
        ("one\n\b\btwo", "one\ntwo"),
        ("a\rb\nc\rd", "b\nd"),
        ("abc\rx\ny", "xbc\ny"),
        ("", ""),
    ],
)
def test_control_characters_work_within_the_last_line(printed: str, seen: str) -> None:
    assert shown(printed) == seen


@given(PIECES)
def test_it_does_not_matter_how_the_text_is_cut(pieces: list[str]) -> None:
    assert shown(*pieces) == shown("".join(pieces))


@given(PIECES)
def test_the_edits_together_make_the_text(pieces: list[str]) -> None:
    stream, known = Stream("stdout"), ""
    for piece in pieces:
        stream.write(piece)
        if (edit := stream.edit()) is not None:
            assert known.endswith(edit.removed)
            known = known[: len(known) - len(edit.removed)] + edit.inserted
        assert known == stream.text
    assert stream.edit() is None


def test_an_edit_holds_only_what_is_new() -> None:
    stream = Stream("stdout")
    stream.write("x" * 10_000 + "\n" + "epoch 1")
    stream.edit()
    stream.write("0")
    edit = stream.edit()
    assert edit is not None
    assert (edit.removed, edit.inserted) == ("", "0")
