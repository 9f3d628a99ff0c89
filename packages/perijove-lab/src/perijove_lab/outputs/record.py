"""What one cell shows, made of its kernel's messages: pure, without a kernel and without a document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perijove_lab.outputs.stream import Edit, Stream

Output = dict[str, Any]


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


class Record:
    """The outputs of one execution of a cell, and what of them the document has already."""

    def __init__(self) -> None:
        self._items: list[Output | Stream] = []
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

    def _ready(self) -> None:
        if self._clear_next:
            self._clear(wait=False)

    def _write(self, name: str, text: str) -> None:
        self._ready()
        last = self._items[-1] if self._items else None
        if not (isinstance(last, Stream) and last.name == name):
            last = Stream(name)
            self._items.append(last)
        last.write(text)

    def _show(self, kind: str, content: dict[str, Any]) -> None:
        self._ready()
        name = (content.get("transient") or {}).get("display_id")
        if name:
            self._displays.setdefault(name, []).append(len(self._items))
        self._items.append(
            {"output_type": kind, **{key: content[key] for key in _FIELDS[kind] if key in content}}
        )

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


def _output(item: Output | Stream) -> Output:
    if isinstance(item, Stream):
        return {"output_type": "stream", "name": item.name, "text": item.text}
    return item
