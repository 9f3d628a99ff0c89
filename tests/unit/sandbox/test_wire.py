"""Errors and messages on the launcher's socket."""

from __future__ import annotations

import pytest

from perijove.core import errors
from perijove.core.errors import InsufficientResourcesError, PerijoveError
from perijove.sandbox.wire import decode, encode, error_message, travelled_error


def test_every_error_travels() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PerijoveError)
    ]
    assert len(kinds) > 10
    for kind in kinds:
        sent = kind("what", advice="do", retry=True)
        found = travelled_error(decode(encode(error_message(sent)))["error"])
        assert type(found) is kind
        assert (found.message, found.advice, found.retry) == ("what", "do", True)


@pytest.mark.parametrize("kind", ["annotations", "Exception", "__name__", "os"])
def test_a_kind_that_is_none_is_an_error_all_the_same(kind: str) -> None:
    found = travelled_error({"type": kind, "message": "m", "advice": "", "retry": False})
    assert type(found) is PerijoveError


def test_an_answer_that_was_cut_short_is_none() -> None:
    line = encode(error_message(InsufficientResourcesError("x")))
    for cut in (line[:-1], line[:10], b""):
        with pytest.raises(ValueError):
            decode(cut)
