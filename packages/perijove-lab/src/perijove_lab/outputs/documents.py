"""The notebooks that are open as shared documents in this server (jupyter-server-ydoc)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from perijove_lab.outputs.record import Change, Output
from perijove_lab.outputs.stream import Edit

_SAVE_SECONDS = 60.0


class Documents:
    """All that are open. A document stays open while the server lives, whoever looks at it."""

    def __init__(self, serverapp: Any) -> None:
        self._serverapp = serverapp

    def _rooms(self) -> Iterator[Any]:
        for app in self._serverapp.extension_manager.extension_apps.get("jupyter_server_ydoc", ()):
            yield from (room for room in app.ywebsocket_server.rooms.values() if _is_notebook(room))

    @property
    def any(self) -> bool:
        """Whether a notebook is open at all."""
        return next(self._rooms(), None) is not None

    def find(self, cell_id: str, kernel_id: str) -> Cell | None:
        """The cell, where it is in an open notebook: of several with such a cell, in one of this kernel."""
        found = [cell for room in self._rooms() if (cell := Cell(room, cell_id)).exists]
        if len(found) > 1:
            mine = self._paths(kernel_id)
            found.sort(key=lambda cell: cell.path not in mine)
        return found[0] if found else None

    def _paths(self, kernel_id: str) -> set[str]:
        sessions = self._serverapp.session_manager
        sessions.cursor.execute("SELECT path FROM session WHERE kernel_id=?", (kernel_id,))
        return {str(row[0]).removeprefix("RTC:") for row in sessions.cursor.fetchall()}


def _is_notebook(room: Any) -> bool:
    return getattr(room, "file_type", "") == "notebook" and room.ready


class Cell:
    """A code cell, looked up by its id at each use: edits and moves make another object of it."""

    def __init__(self, room: Any, cell_id: str) -> None:
        self.room = room
        self.id = cell_id
        self._place = 0

    @property
    def path(self) -> str:
        """Of the notebook."""
        return str(self.room._document.path or "").removeprefix("RTC:")

    def _find(self) -> Any:
        cells = self.room._document.ycells
        if self._place < len(cells) and cells[self._place].get("id") == self.id:
            return cells[self._place]
        for place, cell in enumerate(cells):
            if cell.get("id") == self.id and "outputs" in cell:
                self._place = place
                return cell
        return None

    @property
    def exists(self) -> bool:
        """Whether it is there; somebody may delete a cell while it runs."""
        return self._find() is not None

    @property
    def outputs(self) -> list[Output]:
        """What the document shows now; nothing for a cell that is gone."""
        cell = self._find()
        return list(cell["outputs"].to_py()) if cell is not None else []

    def __len__(self) -> int:
        """How many outputs the document shows now."""
        cell = self._find()
        return len(cell["outputs"]) if cell is not None else 0

    def begin(self) -> None:
        """Show it as running, without outputs."""
        self._set({"execution_count": None, "execution_state": "running"}, cleared=True)

    def end(self, count: int | None) -> None:
        """Show it as done, under the number `count`; None where it never ran."""
        self._set({"execution_count": count, "execution_state": "idle"}, cleared=False)

    def _set(self, values: dict[str, Any], *, cleared: bool) -> None:
        cell = self._find()
        if cell is None:
            return
        with self.room.ydoc.transaction():
            if cleared and len(cell["outputs"]):
                del cell["outputs"][:]
            for name, value in values.items():
                if cell.get(name) != value:
                    cell[name] = value

    def write(self, change: Change) -> None:
        """Make the outputs those of the record.

        What is new comes in before what is old goes: browsers then meet the removal first, and they always
        append what comes.
        """
        cell = self._find()
        if cell is None:
            return
        outputs = cell["outputs"]
        with self.room.ydoc.transaction():
            if change.edit is not None:
                _edit(outputs[change.keep - 1]["text"], change.edit)
            outputs.extend([_shared(output) for output in change.new])
            if change.known > change.keep:
                del outputs[change.keep : change.known]

    async def save(self) -> None:
        """Write the file now, unless its user saves by hand.

        A document by itself is saved once it was left alone for a second: a cell that prints never does so.
        """
        if not _saves_itself(self.room):
            return
        saving = self.room._save_to_disc()
        if saving is not None:
            await asyncio.wait([saving], timeout=_SAVE_SECONDS)


def _edit(text: Any, edit: Edit) -> None:
    end = len(text)  # counted in bytes of UTF-8
    if edit.inserted:
        text.insert(end, edit.inserted)
    if edit.removed:
        del text[end - len(edit.removed.encode()) : end]


def _shared(output: Output) -> Any:
    from pycrdt import Map, Text

    if output["output_type"] == "stream":
        return Map({**output, "text": Text(output["text"])})
    return Map(output)


def _saves_itself(room: Any) -> bool:
    states = [state.get("autosave", True) for state in room.awareness.states.values() if state]
    return any(states) if states else True
