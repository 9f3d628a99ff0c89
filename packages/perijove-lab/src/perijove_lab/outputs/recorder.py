"""What one kernel says, kept for the cells that asked."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from perijove_lab.outputs.documents import Cell, Documents
from perijove_lab.outputs.record import Output, Record
from perijove_lab.outputs.widgets import Captured, OutputWidgets

OUTPUTS = frozenset(
    {"stream", "display_data", "execute_result", "error", "update_display_data", "clear_output"}
)
COMMS = frozenset({"comm_open", "comm_msg", "comm_close"})
FLUSH_SECONDS = 0.1
SAVE_SECONDS = 5.0
# The end of a text that is longer than a notebook should hold is renewed as a whole: now and then.
END_SECONDS = 2.0
END_LATER_SECONDS = 30.0
# A cell that was made a moment ago may arrive in the shared document after the request to run it.
FIND_SECONDS = 10.0


@dataclass
class Execution:
    """One request to run a cell."""

    msg_id: str
    cell_id: str
    session: str
    asked: float
    kernel_session: str
    cell: Cell | None = None
    record: Record = field(default_factory=Record)
    count: int | None = None
    ended: bool = False
    shown_end: bool = False
    settled: float = 0.0
    captured: dict[str, Captured] = field(default_factory=dict)
    """By output widget, what it captured while no browser was there to show it."""


class Recorder:
    """Takes every message of one kernel; writes what cells show into their documents."""

    def __init__(self, kernel_id: str, documents: Documents, log: logging.Logger) -> None:
        self.kernel_id = kernel_id
        self._documents = documents
        self.log = log
        self._by_message: dict[str, Execution] = {}
        self._by_cell: dict[str, Execution] = {}
        self._displays: dict[str, set[str]] = {}
        self._attached: set[str] = set()
        self.widgets = OutputWidgets()
        self.said: dict[str, deque[Any]] = {}
        """By browser, how the last cells that it asked for ended."""
        self._kernel_session = ""
        self._flushing: asyncio.Task[None] | None = None
        self._saved = 0.0

    # -- what browsers ask for

    def expect(self, msg_id: str, cell_id: str, session: str) -> None:
        """A request to run a cell is on its way to the kernel.

        Where no notebook is open as a shared document, nothing is kept: browsers get everything, as ever.
        """
        if msg_id in self._by_message or not self._documents.any:
            return
        execution = Execution(msg_id, cell_id, session, time.monotonic(), self._kernel_session)
        if (before := self._by_cell.get(cell_id)) is not None:
            self._forget(before)
        self._by_message[msg_id] = self._by_cell[cell_id] = execution
        self._place(execution)

    def attach(self, session: str, *, continued: bool) -> dict[str, list[Output]]:
        """A browser is there. `continued`: it is the one of before, and gets what it missed by itself.

        Returns what output widgets captured while nobody was there, with all that they showed before.
        """
        self._attached.add(session)
        found: dict[str, list[Output]] = {}
        for execution in self._by_message.values():
            if execution.session not in self._attached or not continued:
                for widget, captured in execution.captured.items():
                    found[widget] = self.widgets.shown_with(widget, captured)
            execution.captured = {}
        return found

    def detach(self, session: str) -> None:
        """That browser is gone."""
        self._attached.discard(session)

    def keeps(self, msg_id: str) -> bool:
        """Whether the outputs of this request are written here, and not by a browser."""
        return msg_id in self._by_message

    def knows_display(self, name: str) -> bool:
        """Whether something kept here is shown under this display id."""
        return name in self._displays

    @property
    def working(self) -> bool:
        """Whether any cell runs or waits to run."""
        return any(not execution.ended for execution in self._by_message.values())

    # -- what the kernel says

    def take(self, header: dict[str, Any], parent: dict[str, Any], content: dict[str, Any]) -> None:
        """One message, in the order in which the kernel sent them."""
        self._notice_restart(str(header.get("session", "")))
        kind = header["msg_type"]
        if kind in COMMS:
            self.widgets.take(kind, content)
        if kind == "update_display_data" or (kind in OUTPUTS and _display(content)):
            self._update_displays(_display(content), content)
        execution = self._by_message.get(parent.get("msg_id", ""))
        if execution is not None:
            self._take_for(execution, kind, content)
        self._flush_soon()

    def _take_for(self, execution: Execution, kind: str, content: dict[str, Any]) -> None:
        if kind in OUTPUTS and (widget := self.widgets.captor(execution.msg_id)):
            if execution.session not in self._attached:
                execution.captured.setdefault(widget, Captured()).apply(kind, content)
        elif kind in OUTPUTS:
            execution.record.apply(kind, content)
            if kind == "display_data" and (name := _display(content)):
                self._displays.setdefault(name, set()).add(execution.msg_id)
        elif kind == "execute_input":
            execution.count = content.get("execution_count")
        elif kind == "status" and content.get("execution_state") == "idle":
            execution.ended = True

    def _update_displays(self, name: str, content: dict[str, Any]) -> None:
        for msg_id in self._displays.get(name, ()):
            if (execution := self._by_message.get(msg_id)) is not None:
                execution.record.update_display(name, content)

    def _notice_restart(self, session: str) -> None:
        """Another process answers: what the one before was asked for comes to no end any more."""
        if session == self._kernel_session:
            return
        for execution in self._by_message.values():
            if execution.kernel_session and execution.kernel_session == self._kernel_session:
                execution.ended = True
        for execution in self._by_message.values():
            if not execution.ended:
                execution.kernel_session = session
        self._kernel_session = session

    def kernel_gone(self) -> None:
        """The kernel was shut down: nothing that runs goes on."""
        for execution in self._by_message.values():
            execution.ended = True
        self._flush_soon()

    # -- the document

    def _place(self, execution: Execution) -> bool:
        execution.cell = self._documents.find(execution.cell_id, self.kernel_id)
        if execution.cell is not None:
            execution.cell.begin()
        return execution.cell is not None

    def _forget(self, execution: Execution) -> None:
        self._by_message.pop(execution.msg_id, None)
        self._by_cell.pop(execution.cell_id, None)
        for names in self._displays.values():
            names.discard(execution.msg_id)
        self._displays = {name: messages for name, messages in self._displays.items() if messages}

    def _flush_soon(self) -> None:
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.get_running_loop().create_task(self._flush_while_needed())

    async def _flush_while_needed(self) -> None:
        while self._flush_all():
            await self._save_now_and_then()
            await asyncio.sleep(FLUSH_SECONDS)

    def _flush_all(self) -> bool:
        """Whether anything was written, or waits for its cell."""
        busy = [self._flush(execution) for execution in list(self._by_message.values())]
        return any(busy)

    def _flush(self, execution: Execution) -> bool:
        if execution.cell is None and not self._place(execution):
            return self._await_cell(execution)
        try:
            return self._write(execution)
        except Exception:
            self.log.exception("The output of cell %s could not be written", execution.cell_id)
            execution.record.rewrite(len(execution.cell or ()))
            return True

    def _await_cell(self, execution: Execution) -> bool:
        if time.monotonic() - execution.asked < FIND_SECONDS:
            return True
        if execution.ended:
            self.log.warning("Cell %s was nowhere to be found; what it printed is gone", execution.cell_id)
            self._forget(execution)
        return False

    def _write(self, execution: Execution) -> bool:
        cell, record = execution.cell, execution.record
        assert cell is not None
        shown = len(cell)
        if shown < record.known:
            record.forget_known()
        elif shown > record.known:
            record.adopt(cell.outputs[record.known :])
        self._settle(execution)
        change = record.change()
        if change is not None:
            cell.write(change)
        if execution.ended and not execution.shown_end:
            cell.end(execution.count)
            execution.shown_end = True
            return True
        return change is not None or record.pending

    def _settle(self, execution: Execution) -> None:
        now = time.monotonic()
        every = END_LATER_SECONDS if execution.shown_end else END_SECONDS
        ends = execution.ended and not execution.shown_end
        if ends or now - execution.settled >= every:
            execution.record.settle(whole=execution.ended)
            execution.settled = now

    async def keep_all(self) -> None:
        """Have all that was printed until now in the files: the server stops."""
        for execution in self._by_message.values():
            execution.record.settle(whole=True)
        self._flush_all()
        await self._save_working()

    async def _save_now_and_then(self) -> None:
        if time.monotonic() - self._saved < SAVE_SECONDS or not self.working:
            return
        await self._save_working()
        self._saved = time.monotonic()

    async def _save_working(self) -> None:
        rooms = {id(e.cell.room): e.cell for e in self._by_message.values() if e.cell and not e.ended}
        for cell in rooms.values():
            await cell.save()


def _display(content: dict[str, Any]) -> str:
    return str((content.get("transient") or {}).get("display_id") or "")
