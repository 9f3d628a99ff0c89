"""Memory does not grow with the size of what is moved."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest
from bioblend.galaxy import GalaxyInstance

from perijove.testing.history_server import HistoryServerProcess

MEBIBYTE = 2**20


def peak(pid: int) -> int:
    """Bytes of the process's largest resident size since `forget_peak`."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in line)
    return int(line.split()[1]) * 1024


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.write(os.urandom(4096))
        file.truncate(size)
    return path


def round_trip(server: HistoryServerProcess, path: Path) -> int:
    """Upload by tus and by multipart, download, zip; the server's peak memory meanwhile."""
    gi = GalaxyInstance(server.url, key=server.keys["alice"])
    history = gi.histories.create_history(path.name)["id"]
    forget_peak(server.pid)
    dataset = gi.tools.upload_file(str(path), history, chunk_size=64 * MEBIBYTE)["outputs"][0]
    assert dataset["file_size"] == path.stat().st_size
    headers = {"x-api-key": server.keys["alice"]}
    with (
        httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=300) as client,
        client.stream("GET", f"/api/datasets/{dataset['id']}/display") as answer,
    ):
        received = sum(len(chunk) for chunk in answer.iter_bytes(MEBIBYTE))
    assert received == path.stat().st_size
    with (
        httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=300) as client,
        path.open("rb") as file,
    ):
        fields = {"tool_id": "upload1", "history_id": history, "inputs": "{}"}
        answer = client.post("/api/tools", data=fields, files={"files_0|file_data": ("x", file)})
        assert answer.status_code == 200, answer.text
    highest = peak(server.pid)
    gi.histories.delete_history(history, purge=True)
    return highest


def archived_round_trip(server: HistoryServerProcess, path: Path, form: str, folder: Path) -> int:
    """Export a history with the file, and import that; the server's peak memory meanwhile."""
    gi = GalaxyInstance(server.url, key=server.keys["alice"])
    history = gi.histories.create_history(path.name)["id"]
    gi.tools.upload_file(str(path), history, chunk_size=64 * MEBIBYTE)
    archive = folder / "archive"
    forget_peak(server.pid)
    headers = {"x-api-key": server.keys["alice"]}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=600) as client:
        with (
            client.stream("GET", f"/api/histories/{history}/exports/{form}") as answer,
            archive.open("wb") as to,
        ):
            assert answer.status_code == 200
            for chunk in answer.iter_bytes(MEBIBYTE):
                to.write(chunk)
        with archive.open("rb") as file:
            answer = client.post("/api/histories", files={"archive_file": ("archive", file)})
    assert answer.status_code == 200, answer.text
    again = gi.histories.show_history(answer.json()["id"])
    assert again["size"] == path.stat().st_size
    highest = peak(server.pid)
    for one in (history, again["id"]):
        gi.histories.delete_history(one, purge=True)
    archive.unlink()
    return highest


@pytest.mark.slow
@pytest.mark.parametrize("form", ["rocrate.zip", "tar.gz"])
def test_an_archive_of_a_gigabyte_needs_no_more_memory(tmp_path: Path, form: str) -> None:
    with HistoryServerProcess(home=tmp_path / "home") as server:
        archived_round_trip(server, sparse(tmp_path / "warm", MEBIBYTE), form, tmp_path)
        small = archived_round_trip(server, sparse(tmp_path / "small", MEBIBYTE), form, tmp_path)
        large = archived_round_trip(server, sparse(tmp_path / "large", 1100 * MEBIBYTE), form, tmp_path)
    print(f"peak memory: 1 MiB {small / MEBIBYTE:.0f} MiB, 1.1 GiB {large / MEBIBYTE:.0f} MiB")
    assert large < small + 48 * MEBIBYTE


@pytest.mark.slow
def test_a_gigabyte_needs_no_more_memory_than_a_megabyte(tmp_path: Path) -> None:
    with HistoryServerProcess(home=tmp_path / "home") as server:
        round_trip(server, sparse(tmp_path / "warm", MEBIBYTE))
        small = round_trip(server, sparse(tmp_path / "small", MEBIBYTE))
        large = round_trip(server, sparse(tmp_path / "large", 1024 * MEBIBYTE))
    print(f"peak memory: 1 MiB {small / MEBIBYTE:.0f} MiB, 1 GiB {large / MEBIBYTE:.0f} MiB")
    assert large < small + 48 * MEBIBYTE
