"""The nodes of a pipeline as a table that is drawn anew while they move: in a terminal, and in a notebook."""

from __future__ import annotations

import html
import sys
from collections.abc import Sequence
from typing import Any

from perijove_lab.client.display import in_notebook
from perijove_lab.client.pipeline_nodes import Node

_MARKS = {
    "new": "·",
    "queued": "…",
    "running": "▶",
    "paused": "‖",
    "ok": "✓",
    "error": "✗",
    "deleted": "✗",
}
_COLOURS = {"ok": "32", "error": "31", "deleted": "31", "paused": "33", "running": "36"}


def lines(nodes: Sequence[Node], *, colours: bool = False) -> list[str]:
    """One line a node: mark, name, state."""
    width = max((len(node.label) for node in nodes), default=0)
    return [_line(node, width, colours) for node in nodes]


def _line(node: Node, width: int, colours: bool) -> str:
    mark = _MARKS.get(node.state, "·")
    text = f"{mark} {node.label:<{width}}  {node.text}"
    code = _COLOURS.get(node.state)
    return f"\x1b[{code}m{text}\x1b[0m" if colours and code else text


def table(nodes: Sequence[Node]) -> str:
    """The same as HTML, of tags that JupyterLab leaves in notebooks that are not trusted."""
    rows = "".join(
        f"<tr><td>{_MARKS.get(node.state, '·')}</td><td>{html.escape(node.label)}</td>"
        f"<td>{html.escape(node.text)}</td></tr>"
        for node in nodes
    )
    return f"<table><thead><tr><th></th><th>node</th><th>state</th></tr></thead><tbody>{rows}</tbody></table>"


class Board:
    """Draws nodes whenever they changed."""

    def __init__(self) -> None:
        self._screen: _Notebook | _Terminal | _Lines = _screen()
        self._drawn: Sequence[Node] | None = None

    def draw(self, nodes: Sequence[Node]) -> None:
        """Show them as they stand."""
        if nodes != self._drawn:
            self._screen.draw(nodes)
            self._drawn = list(nodes)


class _Terminal:
    """Draws over what it drew last, each line cut to the terminal's width."""

    def __init__(self) -> None:
        self._height = 0

    def draw(self, nodes: Sequence[Node]) -> None:
        if self._height:
            sys.stdout.write(f"\x1b[{self._height}A")
        for node in lines(nodes, colours=True):
            sys.stdout.write(f"\x1b[2K\x1b[?7l{node}\x1b[?7h\n")
        self._height = len(nodes)
        sys.stdout.flush()


class _Lines:
    """A line for each change of a state: for logs and pipes."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}

    def draw(self, nodes: Sequence[Node]) -> None:
        for node, text in zip(nodes, lines(nodes), strict=True):
            if self._states.get(node.key) != node.state:
                print(text, flush=True)
            self._states[node.key] = node.state


class _Notebook:
    """One output, replaced in place."""

    def __init__(self) -> None:
        self._handle: Any = None

    def draw(self, nodes: Sequence[Node]) -> None:
        from IPython.display import display

        bundle = {"text/html": table(nodes), "text/plain": "\n".join(lines(nodes))}
        if self._handle is None:
            self._handle = display(  # type: ignore[no-untyped-call]
                bundle, raw=True, display_id=True
            )
        else:
            self._handle.update(bundle, raw=True)


def _screen() -> _Notebook | _Terminal | _Lines:
    if in_notebook():
        return _Notebook()
    return _Terminal() if sys.stdout.isatty() else _Lines()
