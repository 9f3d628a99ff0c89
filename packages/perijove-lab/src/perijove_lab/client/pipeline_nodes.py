"""How the nodes of a pipeline stand, from what a server says of a run's jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from perijove_lab.client.watch import FINAL, HELD, known, standing

STATES = ("new", "queued", "running", "paused", "ok", "error", "deleted")
_BAD = ("error", "deleted", "paused", "failed", "stopped")


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node of a pipeline that runs. `key`: its id in the file; `after`: the keys that it waits for."""

    key: str
    label: str
    after: tuple[str, ...] = ()
    state: str = "new"
    job: str | None = None
    reused: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Progress, and the reason why it waits or failed."""

    @property
    def settled(self) -> bool:
        """Whether it moves no more by itself."""
        return self.state in FINAL or self.state in HELD

    @property
    def text(self) -> str:
        """`running, epoch 3 of 15`, `paused because scale failed`, `ok (as it was)`."""
        reason = str(self.facts.get("reason") or "")
        if self.state == "paused":
            return f"paused {reason.removeprefix('is paused ')}".strip()
        if self.state == "error":
            return f"error: {reason}" if reason else "error"
        words = standing(self.state, self.facts)
        return f"{words} (as it was)" if self.reused else words

    def to_json(self) -> dict[str, Any]:
        """For the browser."""
        percent = 100 if self.state == "ok" else self.facts.get("percent")
        return {
            "key": self.key,
            "label": self.label,
            "after": list(self.after),
            "state": self.state,
            "job": self.job,
            "reused": self.reused,
            "text": self.text,
            "percent": percent,
        }


def with_job(node: Node, job: Mapping[str, Any], *, reused: bool) -> Node:
    """The node as its job stands."""
    extra = job.get("perijove") or {}
    facts = known(extra)
    if error := extra.get("error"):
        cell = f"cell {error['cell'] + 1}: " if isinstance(error.get("cell"), int) else ""
        kind, message = str(error.get("type") or ""), str(error.get("message") or "")
        facts["reason"] = cell + (message if message.startswith(kind) else f"{kind}: {message}")
    copied = bool(job.get("copied_from_job_id"))
    return replace(node, state=str(job["state"]), job=str(job["id"]), reused=reused or copied, facts=facts)


def held_back(nodes: Sequence[Node]) -> list[Node]:
    """Nodes that have no job and, behind one that did not end well, get none: they are paused too.

    A Galaxy makes jobs of steps only when it can.
    """
    found: dict[str, Node] = {}
    for node in nodes:
        bad = [found[key] for key in node.after if key in found and found[key].state in _BAD]
        if node.job is None and bad:
            reason = f"is paused because {bad[0].label} {_TROUBLE.get(bad[0].state, 'failed')}"
            node = replace(node, state="paused", facts={"reason": reason})
        found[node.key] = node
    return list(found.values())


_TROUBLE = {"paused": "is paused", "deleted": "was cancelled"}


def whole_state(nodes: Iterable[Node]) -> str:
    """`running` while something may still move; else `ok`, `error` (run on after mending) or `deleted`."""
    known = list(nodes)
    states = {node.state for node in known}
    if states <= {"ok", "skipped"}:
        return "ok"
    if not all(node.settled for node in known):
        return "running"
    return "error" if states & {"error", "failed", "paused"} else "deleted"
