"""Output widgets (ipywidgets): while one captures, what its cell prints belongs to the widget."""

from __future__ import annotations

from typing import Any

from perijove_lab.outputs.record import Output, Record


class Captured:
    """What a widget captured while nobody was there to show it, within the bounds of a cell."""

    def __init__(self) -> None:
        self._record = Record()
        self.cleared = False
        """Whether what the widget showed before is gone."""

    def apply(self, kind: str, content: dict[str, Any]) -> None:
        """Take a message of the kernel."""
        self._record.apply(kind, content)
        self.cleared = self.cleared or kind == "clear_output"

    @property
    def outputs(self) -> list[Output]:
        """All of it."""
        self._record.settle(whole=True)
        return self._record.outputs


class OutputWidgets:
    """Which request each output widget of a kernel captures, as the kernel's messages tell."""

    def __init__(self) -> None:
        self._captured: dict[str, str] = {}
        self._outputs: dict[str, list[Output]] = {}

    def copy(self) -> OutputWidgets:
        """For somebody who begins to listen now."""
        other = OutputWidgets()
        other._captured = dict(self._captured)
        return other

    def take(self, kind: str, content: dict[str, Any]) -> None:
        """A message of the kernel."""
        state = (content.get("data") or {}).get("state") or {}
        widget = str(content.get("comm_id", ""))
        if kind == "comm_open" and state.get("_model_name") == "OutputModel":
            self._captured[widget] = str(state.get("msg_id") or "")
        elif kind == "comm_msg" and widget in self._captured and "msg_id" in state:
            self._captured[widget] = str(state["msg_id"] or "")
        elif kind == "comm_close":
            self._captured.pop(widget, None)
            self._outputs.pop(widget, None)

    def told(self, content: dict[str, Any]) -> None:
        """What a browser tells the kernel that a widget shows."""
        state = (content.get("data") or {}).get("state") or {}
        widget = str(content.get("comm_id", ""))
        if widget in self._captured and "outputs" in state:
            self._outputs[widget] = list(state["outputs"])

    def captor(self, msg_id: str) -> str:
        """The widget that captures the outputs of this request; empty for none."""
        found = [widget for widget, captured in self._captured.items() if captured and captured == msg_id]
        return found[-1] if found else ""

    def shown_with(self, widget: str, captured: Captured) -> list[Output]:
        """All that the widget shows once it has taken these outputs too; remembered."""
        before = [] if captured.cleared else self._outputs.get(widget, [])
        self._outputs[widget] = [*before, *captured.outputs]
        return self._outputs[widget]
