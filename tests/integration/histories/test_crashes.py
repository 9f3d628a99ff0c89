"""The server killed at any moment: uploads resume, what was ok stays readable, nothing half is left."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import httpx
import pytest
from bioblend.galaxy import GalaxyInstance

from perijove.testing.history_server import HistoryServerProcess

SIZE = 192 * 2**20  # more than arrives in three times 50 ms


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    path = tmp_path / "noise.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


def test_upload_resumes_after_sigkill(tmp_path: Path, noise: Path) -> None:
    """BioBlend's own resumable upload, interrupted again and again by SIGKILL as bytes arrive."""
    with HistoryServerProcess(home=tmp_path / "home") as server:
        gi = GalaxyInstance(server.url, key=server.keys["alice"])
        history = gi.histories.create_history("h")["id"]
        storage = str(tmp_path / "sessions")
        offsets = []
        for _ in range(3):
            uploader = gi.get_tus_uploader(str(noise), storage=storage, chunk_size=2**20)
            offsets.append(uploader.offset)
            uploader.upload(stop_at=uploader.offset + 8 * 2**20)
            _kill_during(server, lambda up=uploader: up.upload())
        uploader = gi.get_tus_uploader(str(noise), storage=storage, chunk_size=2**20)
        offsets.append(uploader.offset)
        assert offsets == sorted(set(offsets))
        assert offsets[-1] >= 24 * 2**20
        uploader.upload()
        answer = gi.tools.post_to_fetch(str(noise), history, uploader.session_id)
        assert gi.datasets.download_dataset(answer["outputs"][0]["id"]) == noise.read_bytes()


def _kill_during(server: HistoryServerProcess, work: object) -> None:
    def run() -> None:
        try:
            work()  # type: ignore[operator]
        except Exception:
            return  # the server was killed: that is what happens here

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.05)
    server.kill()
    thread.join(timeout=60)
    server.start()


def test_kill_at_the_end_of_uploads_leaves_whole_datasets_or_none(tmp_path: Path) -> None:
    """Many uploads end while the server is killed: each dataset on record can be read."""
    with HistoryServerProcess(home=tmp_path / "home") as server:
        gi = GalaxyInstance(server.url, key=server.keys["alice"])
        history = gi.histories.create_history("h")["id"]
        for round_number in range(3):
            threads = [
                threading.Thread(
                    target=_paste, args=(server.url, server.keys["alice"], history, round_number * 10 + n)
                )
                for n in range(6)
            ]
            for thread in threads:
                thread.start()
            time.sleep(0.1 + 0.1 * round_number)
            server.kill()
            for thread in threads:
                thread.join(timeout=60)
            server.start()
        contents = gi.histories.show_history(history, contents=True)
        assert len({one["hid"] for one in contents}) == len(contents)
        for one in contents:
            assert one["state"] == "ok"
            number = one["name"].removeprefix("paste ")
            assert gi.datasets.download_dataset(one["id"]) == f"{number}\n".encode() * 2000


def _paste(url: str, key: str, history: str, number: int) -> None:
    inputs = {"files_0|url_paste": f"{number}\n" * 2000, "files_0|NAME": f"paste {number}"}
    body = {"tool_id": "upload1", "history_id": history, "inputs": inputs}
    try:
        httpx.post(f"{url}/api/tools", json=body, headers={"x-api-key": key}, timeout=60, trust_env=False)
    except httpx.HTTPError:
        return  # killed


def test_strays_of_a_crash_are_swept(tmp_path: Path) -> None:
    """A content that was stored while its row was not is removed after the next start; held ones stay."""
    home = tmp_path / "home"
    with HistoryServerProcess(home=home) as server:
        gi = GalaxyInstance(server.url, key=server.keys["alice"])
        history = gi.histories.create_history("h")["id"]
        kept = gi.tools.paste_content("kept", history)["outputs"][0]["id"]
        server.kill()
        stray = home / "datasets" / "ab" / "cd" / ("abcd" + "0" * 60)
        stray.parent.mkdir(parents=True)
        stray.write_bytes(b"stray")
        server.start()
        until = time.monotonic() + 60
        while stray.exists():
            assert time.monotonic() < until, "the stray is still there"
            time.sleep(0.2)
        assert gi.datasets.download_dataset(kept) == b"kept\n"


def test_stop_is_graceful(tmp_path: Path) -> None:
    with HistoryServerProcess(home=tmp_path / "home") as server:
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 30
        assert "Traceback" not in server.log.read_text()


def test_no_key_in_the_log(tmp_path: Path) -> None:
    with HistoryServerProcess(home=tmp_path / "home") as server:
        httpx.get(f"{server.url}/api/histories?key=secret-in-address", trust_env=False)
        httpx.get(f"{server.url}/api/histories", headers={"x-api-key": "secret-in-header"}, trust_env=False)
        server.stop()
        assert "secret" not in server.log.read_text()
