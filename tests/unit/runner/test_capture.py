from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

from perijove_lab.runner import capture


def findings(before: dict[str, Any] | None = None, **namespace: Any) -> capture.Findings:
    return capture.findings_in(namespace, before or {})


def test_only_what_the_code_defined() -> None:
    kept = object()
    found = findings(
        before={"get": kept, "seed": 1},
        get=kept,
        seed=2,
        x=np.ones(3),
        _private=1,
        In=[],
        np=np,
        function=lambda: None,
        Class=threading.Thread,
        method=[].append,
    )
    assert list(found.data) == ["seed", "x"]
    assert (found.models, found.unsaved, found.aliases) == ([], [], {})


def test_imported_constants_are_no_results() -> None:
    assert list(findings(pi=math.pi, tau=6.0, epochs=3).data) == ["tau", "epochs"]


def test_two_names_of_one_object() -> None:
    x = np.ones(3)
    found = findings(x=x, best=x, a=1, b=1, s="t", t="t", e=(), f=())
    assert list(found.data) == ["x", "a", "b", "s", "t", "e", "f"]
    assert found.aliases == {"best": "x"}


def test_an_object_that_raises_at_any_touch() -> None:
    class Hostile:
        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError("do not touch")

        def __eq__(self, other: object) -> bool:
            raise RuntimeError("do not compare")

        __hash__ = object.__hash__

    found = findings(h=Hostile(), x=1)
    assert list(found.data) == ["x"]
    assert found.unsaved[0]["reason"] == "RuntimeError: do not touch"


def test_an_unsaved_entry_names_type_and_reason() -> None:
    entry = capture.unsaved("lock", threading.Lock(), "why")
    assert entry == {"name": "lock", "type": "_thread.lock", "reason": "why"}
