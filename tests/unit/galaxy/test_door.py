"""No lab without a token, and its address as Galaxy gives it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perijove_lab.galaxy import door
from perijove_lab.runner.errors import SpecError

TOKEN = "0123456789abcdef" * 4
BASE = "/interactivetool/ep/1abc/2def"


@pytest.mark.parametrize("page", ["lab", "lab/tree/notebook.ipynb"])
def test_the_entry_points_path_is_the_labs_address_and_key(page: str) -> None:
    found = door.entrance({door.VARIABLE: f"{BASE}/{page}?token={TOKEN}"})
    assert (found.base_url, found.token) == (f"{BASE}/", TOKEN)
    assert TOKEN not in repr(found)


def test_behind_a_domain_the_address_is_the_root() -> None:
    assert door.entrance({door.VARIABLE: f"/lab?token={TOKEN}"}).base_url == "/"


@pytest.mark.parametrize(
    "value",
    ["", BASE, f"{BASE}/lab", f"{BASE}/lab?token=", f"{BASE}/lab?token=short", f"{BASE}?token={TOKEN}"],
)
def test_without_a_token_there_is_no_lab(value: str) -> None:
    with pytest.raises(SpecError, match="never open to everybody"):
        door.entrance({door.VARIABLE: value})


def test_galaxy_is_told_the_port(tmp_path: Path) -> None:
    (tmp_path / "working").mkdir()
    door.tell_galaxy(tmp_path / "working", 4711)
    told = json.loads((tmp_path / "container_runtime.json").read_text())
    assert told == {"8888": {"host": "127.0.0.1", "port": 4711, "protocol": "tcp"}}
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["container_runtime.json"]
