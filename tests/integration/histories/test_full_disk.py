"""A disk that is really full: a clear answer, what there was stays whole, and purging makes room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from bioblend.galaxy import GalaxyInstance

from perijove.core.settings import Settings
from perijove.testing.history_server import HistoryServer

pytestmark = pytest.mark.root
MIB = 2**20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    settings = Settings(home=small_disk)
    with HistoryServer(settings=settings) as server:
        headers = {"x-api-key": server.keys["alice"]}
        gi = GalaxyInstance(server.url, key=server.keys["alice"])
        history = gi.histories.create_history("h")["id"]
        first = gi.tools.paste_content("kept", history)["outputs"][0]["id"]

        announced = httpx.post(
            f"{server.url}/api/upload/resumable_upload",
            headers={**headers, "Upload-Length": str(200 * MIB)},
            trust_env=False,
        )
        assert_told(announced)
        sent = httpx.post(
            f"{server.url}/api/tools",
            headers=headers,
            data={"tool_id": "upload1", "history_id": history, "inputs": "{}"},
            files={"files_0|file_data": ("n.bin", os.urandom(60 * MIB))},
            timeout=120,
            trust_env=False,
        )
        assert_told(sent)

        assert [one["name"] for one in gi.histories.show_history(history, contents=True)] == ["Pasted Entry"]
        assert gi.datasets.download_dataset(first) == b"kept\n"
        assert list(settings.layout.uploads.glob("tmp-*")) == [], "what had come is gone again"
        assert gi.tools.paste_content("there is room again", history)["outputs"][0]["state"] == "ok"


def assert_told(answer: httpx.Response) -> None:
    assert answer.status_code == 507, answer.text
    assert "disk is full" in answer.json()["err_msg"]
    assert "Purge" in answer.json()["err_msg"]
