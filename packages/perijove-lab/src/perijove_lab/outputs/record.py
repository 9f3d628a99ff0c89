"""What one cell shows, made of its kernel's messages: pure, without a kernel and without a document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perijove_lab.outputs.stream import Edit, Stream
from perijove_lab.printed.bounds import HEAD, TAIL, Rich, Tail, bounded_error

Output = dict[str, Any]
_PIECE = 64 * 1024  # characters written at a time: by so many the head may be longer
_STREAM_COST = 256  # what another output costs of the head, however short it is


@dataclass(frozen=True)
class Bounds:
    """How much printed text of one cell is kept, in characters."""

    head: int = HEAD
    tail: int = TAIL
    live: int = 4096
    """Of the tail while the cell runs: each change of it is sent to every browser."""


@dataclass(frozen=True)
class Change:
    """Turns the outputs of the document into those of the record.

    The first `keep` outputs stay, those up to `known` go, `new` ones come last; `edit` is done in the text of
    the last that stays.
    """

    keep: int
    known: int
    edit: Edit | None
    new: list[Output]


class End:
    """The last text of a cell that prints more than a notebook should hold: an output renewed as a whole.

    Not a stream: JupyterLab joins those of one name, and would write what it joined into the document.
    """

    def __init__(self, limit: int) -> None:
        self.tail = Tail(limit)
        self.shown = ""
        self.pending = False

    def add(self, text: str) -> None:
        """Take what a kernel printed; it is shown from the next `settle` on."""
        self.tail.add(text)
        self.pending = True

    def settle(self, last: int | None) -> bool:
        """Show the text as it is now, or so many of its last characters. Whether that changes anything."""
        before, self.shown = self.shown, self.tail.shown(last)
        self.pending = False
        return before != self.shown


Item = Output | Stream | End


class Record:
    """The outputs of one execution of a cell, within bounds, and what of them the document has already."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._room = self._bounds.head
        self._rich = Rich("save them to files")
        self._rich_note: Output | None = None
        self._items: list[Item] = []
        self._displays: dict[str, list[int]] = {}
        self._clear_next = False
        self._known = 0
        self._stale = 0
        """From this output on the document has an old state; at most `_known`."""

    @property
    def outputs(self) -> list[Output]:
        """As a notebook's file has them."""
        return [_output(item) for item in self._items]

    @property
    def known(self) -> int:
        """How many outputs the document has, as far as the record knows."""
        return self._known

    def apply(self, kind: str, content: dict[str, Any]) -> None:
        """Take a message of a kernel; kinds that show nothing change nothing."""
        if kind == "clear_output":
            self._clear(wait=bool(content.get("wait")))
        elif kind == "stream":
            self._write(str(content.get("name", "stdout")), str(content.get("text", "")))
        elif kind in ("display_data", "execute_result", "error"):
            self._show(kind, content)

    def update_display(self, name: str, content: dict[str, Any]) -> bool:
        """Replace what is shown under the display id `name`; False where nothing is."""
        places = self._displays.get(name, [])
        for place in places:
            shown = self._items[place]
            if isinstance(shown, dict):
                data = {"data": content.get("data", {}), "metadata": content.get("metadata", {})}
                self._items[place] = {**shown, **data}
                self._stale = min(self._stale, place)
        return bool(places)

    def _clear(self, *, wait: bool) -> None:
        self._clear_next = wait
        if not wait:
            self._items, self._displays, self._stale = [], {}, 0
            self._begin_bounds()

    def _begin_bounds(self) -> None:
        self._room = self._bounds.head
        self._rich, self._rich_note = Rich("save them to files"), None

    def _ready(self) -> None:
        if self._clear_next:
            self._clear(wait=False)

    @property
    def _end(self) -> End | None:
        return next((item for item in reversed(self._items) if isinstance(item, End)), None)

    def _write(self, name: str, text: str) -> None:
        self._ready()
        start = 0
        while start < len(text) and self._room > 0:
            self._write_head(name, text[start : start + _PIECE])
            start += _PIECE
        if start < len(text):
            self._write_end(text[start:])

    def _write_head(self, name: str, text: str) -> None:
        last = self._items[-1] if self._items else None
        if not (isinstance(last, Stream) and last.name == name):
            last = Stream(name)
            self._items.append(last)
            self._room -= _STREAM_COST
        before = last.size
        last.write(text)
        self._room -= last.size - before

    def _write_end(self, text: str) -> None:
        end = self._end
        if end is None:
            end = End(self._bounds.tail)
            self._items.append(end)
        end.add(text)

    @property
    def pending(self) -> bool:
        """Whether there is text that only `settle` brings into `outputs`."""
        end = self._end
        return end is not None and end.pending

    def settle(self, *, whole: bool) -> None:
        """Bring the last text of a cell that prints too much up to date; all that is kept, or its end."""
        end = self._end
        if end is not None and end.settle(None if whole else self._bounds.live):
            self._stale = min(self._stale, self._items.index(end))
        if whole and self._rich_note is not None:
            self._tell_rich(self._rich_note)

    def _tell_rich(self, note: Output) -> None:
        if note != (now := _plain(self._rich.note)):
            note.update(now)
            place = next(place for place, item in enumerate(self._items) if item is note)
            self._stale = min(self._stale, place)

    def _show(self, kind: str, content: dict[str, Any]) -> None:
        self._ready()
        if kind == "error":
            content = bounded_error(content)
        elif not self._rich.admits(content.get("data") or {}):
            self._leave_out()
            return
        end = self._end
        place = self._items.index(end) if end is not None and kind == "display_data" else len(self._items)
        self._insert(
            place, [{"output_type": kind, **{key: content[key] for key in _FIELDS[kind] if key in content}}]
        )
        name = (content.get("transient") or {}).get("display_id")
        if name:
            self._displays.setdefault(name, []).append(place)

    def _leave_out(self) -> None:
        if self._rich_note is None:
            self._rich_note = _plain(self._rich.note)
            self._insert(len(self._items), [self._rich_note])

    def _insert(self, place: int, items: list[Item]) -> None:
        """Before what stands at `place`; the document has an old state from there on."""
        self._items[place:place] = items
        self._stale = min(self._stale, place)
        self._displays = {
            name: [at + len(items) if at >= place else at for at in places]
            for name, places in self._displays.items()
        }

    def change(self) -> Change | None:
        """What the document lacks; None where it has all. It counts as known from now on."""
        keep, known = self._stale, self._known
        last = self._items[keep - 1] if keep else None
        edit = last.edit() if isinstance(last, Stream) else None
        new = [_output(item) for item in self._items[keep:]]
        for item in self._items[keep:]:
            if isinstance(item, Stream):
                item.edit()
        self._known = self._stale = len(self._items)
        return Change(keep, known, edit, new) if edit or new or keep < known else None

    def forget_known(self) -> None:
        """Somebody cleared the cell while it runs: only what comes from now on is shown."""
        last = self._items[self._known - 1] if self._known else None
        fresh = self._items[self._known :]
        self._items = [last.rest(), *fresh] if isinstance(last, Stream) else list(fresh)
        if self._items and isinstance(self._items[0], Stream) and not self._items[0].text:
            self._items.pop(0)
        self._displays, self._known, self._stale = {}, 0, 0
        if self._end is None:
            self._begin_bounds()

    def adopt(self, foreign: list[Output]) -> None:
        """A browser has added outputs of its own (the answer to `input`): what comes now comes below them."""
        known, rest = self._known, []
        last = self._items[known - 1] if known else None
        if isinstance(last, Stream):
            self._items[known - 1] = {**_output(last), "text": last.known}
            rest = [after] if (after := last.rest()).text else []
        self._items[known:known] = [*foreign, *rest]
        moved = len(foreign) + len(rest)
        self._displays = {
            name: [place + moved if place >= known else place for place in places]
            for name, places in self._displays.items()
        }
        self._known += len(foreign)
        if self._stale >= known:
            self._stale = self._known

    def rewrite(self, known: int) -> None:
        """The document has `known` outputs which are not these: the next change replaces all."""
        self._known, self._stale = known, 0


_FIELDS = {
    "display_data": ("data", "metadata"),
    "execute_result": ("data", "metadata", "execution_count"),
    "error": ("ename", "evalue", "traceback"),
}


def _output(item: Item) -> Output:
    if isinstance(item, dict):
        return dict(item)
    if isinstance(item, End):
        return _plain(item.shown)
    return {"output_type": "stream", "name": item.name, "text": item.text}


def _plain(text: str) -> Output:
    return {"output_type": "display_data", "data": {"text/plain": text}, "metadata": {}}
