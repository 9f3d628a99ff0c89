"""How nodes are said to stand, and what that makes of the whole pipeline."""

from __future__ import annotations

import pytest

from perijove_lab.client.pipeline_board import lines, table
from perijove_lab.client.pipeline_nodes import Node, held_back, whole_state, with_job

FIRST = Node(key="a", label="prepare")
SECOND = Node(key="b", label="train <x>", after=("a",))
THIRD = Node(key="c", label="compare", after=("b",))


def job(state: str, **perijove: object) -> dict[str, object]:
    return {"id": "f" * 16, "state": state, "perijove": perijove}


def test_a_failed_node_says_where_and_why() -> None:
    node = with_job(
        FIRST, job("error", error={"type": "KeyError", "message": "'x'", "cell": 2}), reused=False
    )
    assert node.text == "error: cell 3: KeyError: 'x'"
    other = {"type": "KeyError", "message": "KeyError: 'x'", "cell": None}
    assert with_job(FIRST, job("error", error=other), reused=False).text == "error: KeyError: 'x'"


def test_what_waits_says_for_what_and_what_was_kept_says_so() -> None:
    assert with_job(SECOND, job("new", reason="waits for prepare"), reused=False).text == (
        "new: waits for prepare"
    )
    assert with_job(FIRST, job("ok"), reused=True).text == "ok (as it was)"
    paused = with_job(SECOND, job("paused", reason="is paused because prepare failed"), reused=False)
    assert paused.text == "paused because prepare failed"


def test_nodes_without_a_job_behind_a_failure_are_paused_too() -> None:
    """As on a Galaxy, which makes jobs of later steps only when it can."""
    failed = with_job(FIRST, job("error"), reused=False)
    nodes = held_back([failed, SECOND, THIRD])
    assert [node.state for node in nodes] == ["error", "paused", "paused"]
    assert nodes[1].text == "paused because prepare failed"
    assert nodes[2].text == "paused because train <x> is paused"
    assert whole_state(nodes) == "error"


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        (("ok", "ok"), "ok"),
        (("ok", "new"), "running"),
        (("error", "running"), "running"),
        (("error", "paused"), "error"),
        (("ok", "deleted"), "deleted"),
        (("error", "deleted"), "error"),
    ],
)
def test_the_whole(states: tuple[str, ...], whole: str) -> None:
    assert whole_state(Node(key=str(i), label="n", state=one) for i, one in enumerate(states)) == whole


def test_the_table_in_a_terminal_and_in_a_notebook() -> None:
    nodes = [with_job(FIRST, job("ok"), reused=False), with_job(SECOND, job("error"), reused=False)]
    assert lines(nodes) == ["✓ prepare    ok", "✗ train <x>  error"]
    assert "\x1b[31m" in lines(nodes, colours=True)[1]
    assert "train &lt;x&gt;" in table(nodes)
