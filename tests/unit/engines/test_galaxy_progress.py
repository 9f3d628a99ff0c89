from __future__ import annotations

import json
from pathlib import Path

from perijove.engines.galaxy import progress
from perijove.engines.galaxy.errors import GalaxyRefusedError
from perijove.engines.galaxy.progress import PIECE, Progress


class Console:
    """What a Galaxy shows of a running job's output."""

    def __init__(self, text: str) -> None:
        self.text, self.asked = text, 0

    def console(self, job_id: str, place: int, length: int) -> str:
        self.asked += 1
        return self.text.encode()[place:].decode()[:length]


class Closed:
    """One that shows none."""

    asked = 0

    def console(self, *_arguments: object) -> str:
        self.asked += 1
        raise GalaxyRefusedError("no")


def known(folder: Path) -> dict:
    return json.loads((folder / "out" / "progress.jsonl").read_text())


def test_printed_lines_are_read_on_from_the_last_look(tmp_path: Path):
    (tmp_path / "out").mkdir()
    galaxy, seen = (
        Console(f'é\n{progress.MARK}{{"epoch": 1, "epochs": 5}}\n{progress.MARK}{{"epo'),
        Progress(),
    )
    seen.write(galaxy, {"id": "a"}, tmp_path)
    assert known(tmp_path) == {"epoch": 1, "epochs": 5}
    galaxy.text += 'ch": 2}\nnoise\n' + "x" * 2 * PIECE + f"\n{progress.MARK}[1]\n{progress.MARK}{{\n"
    seen.write(galaxy, {"id": "a"}, tmp_path)
    assert known(tmp_path) == {"epoch": 2, "epochs": 5}


def test_a_galaxy_that_shows_none_is_asked_once(tmp_path: Path):
    (tmp_path / "out").mkdir()
    galaxy, seen = Closed(), Progress()
    seen.write(galaxy, {"id": "a"}, tmp_path)
    seen.write(galaxy, {"id": "a"}, tmp_path)
    assert galaxy.asked == 1
    assert not (tmp_path / "out" / "progress.jsonl").exists()
