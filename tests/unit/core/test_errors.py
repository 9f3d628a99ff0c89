"""One tree of errors."""

from __future__ import annotations

import inspect

from perijove.core import errors
from perijove.core.errors import ConfinementError, PerijoveError, StorageError

CLASSES = [entry for _, entry in inspect.getmembers(errors, inspect.isclass) if issubclass(entry, Exception)]


def test_every_error_stands_in_the_drawing() -> None:
    drawing = errors.__doc__ or ""
    assert len(CLASSES) > 10
    for entry in CLASSES:
        assert entry.__name__ in drawing
        assert issubclass(entry, PerijoveError)


def test_a_message_and_what_to_do() -> None:
    error = ConfinementError("No cgroups.", advice="Boot with them.")
    assert (error.message, error.advice, str(error)) == (
        "No cgroups.",
        "Boot with them.",
        "No cgroups. Boot with them.",
    )


def test_whether_trying_again_helps_can_be_said_each_time() -> None:
    assert StorageError("full").retry
    assert not StorageError("read-only", retry=False).retry
