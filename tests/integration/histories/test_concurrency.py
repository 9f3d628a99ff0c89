"""Many at once, on both databases."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from bioblend.galaxy import GalaxyInstance

from perijove.histories.context import Context
from perijove.histories.services.purging import sweep
from perijove.testing.history_server import HistoryServer


def paste(http: httpx.Client, history: str, text: str) -> dict[str, Any]:
    inputs = {"files_0|url_paste": text}
    answer = http.post("/api/tools", json={"tool_id": "upload1", "history_id": history, "inputs": inputs})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["outputs"][0])


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def test_numbers_are_given_out_once(http: httpx.Client, history: str) -> None:
    made = at_once(20, lambda number: paste(http, history, f"text {number}"))
    assert sorted(one["hid"] for one in made) == list(range(1, 21))


def test_first_visit_of_a_user_many_times_at_once(server: HistoryServer) -> None:
    from perijove.histories.identity import Caller

    server.identity.callers["key-of-carol"] = Caller("carol")
    headers = {"x-api-key": "key-of-carol"}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=60) as client:
        ids = {answer["id"] for answer in at_once(10, lambda _: client.get("/api/users/current").json())}
    assert len(ids) == 1


def test_same_content_uploaded_and_purged_at_once_is_never_lost(
    server: HistoryServer, http: httpx.Client, history: str
) -> None:
    """The sweep runs as fast as it can while one content is uploaded, copied and purged over and over."""
    context: Context = server.app.state.context
    stop = threading.Event()

    def sweeping() -> None:
        while not stop.is_set():
            sweep(context.database, context.files)

    sweeper = threading.Thread(target=sweeping)
    sweeper.start()
    try:
        at_once(4, lambda number: _upload_and_purge(http, history, number))
    finally:
        stop.set()
        sweeper.join()
    for one in http.get(f"/api/histories/{history}/contents?deleted=false").json():
        assert http.get(f"/api/datasets/{one['id']}/display").text == "the same\n"


def _upload_and_purge(http: httpx.Client, history: str, number: int) -> None:
    for turn in range(6):
        dataset = paste(http, history, "the same")
        assert http.get(f"/api/datasets/{dataset['id']}/display").text == "the same\n"
        if (turn + number) % 2:
            gone = http.request("DELETE", f"/api/datasets/{dataset['id']}", json={"purge": True})
            assert gone.status_code == 200, gone.text


def test_readers_do_not_wait_for_an_upload(alice: GalaxyInstance, http: httpx.Client, history: str) -> None:
    """While a slow client uploads, everybody else is answered."""

    def slowly() -> Any:
        for _ in range(10):
            yield b"x" * 1000
            time.sleep(0.1)

    made = http.post("/api/upload/resumable_upload", headers={"Upload-Length": "10000"})
    address = made.headers["location"].split("/services/galaxy", 1)[1]
    headers = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    upload = threading.Thread(target=lambda: http.patch(address, content=slowly(), headers=headers))
    upload.start()
    started = time.monotonic()
    alice.histories.show_history(history)
    assert time.monotonic() - started < 1.0 or upload.is_alive()
    upload.join()
    assert http.head(address).headers["upload-offset"] == "10000"


def test_ten_thousand_datasets_are_listed_quickly(
    server: HistoryServer, http: httpx.Client, alice: GalaxyInstance
) -> None:
    from perijove.histories.services.datasets import NewDataset, add_datasets, described

    history = alice.histories.create_history("many")["id"]
    context: Context = server.app.state.context
    source = context.files.new_staging_path()
    source.write_bytes(b"content\n")
    with context.files.holding():
        finished = described(context.files, context.files.store(source), name="n")
        with context.database.write() as session:
            add_datasets(session, history, [NewDataset(finished, f"file {n}") for n in range(10_000)])
    timings = {}
    for name, query in (
        ("all", {}),
        ("page", {"limit": 100, "offset": 9000}),
        ("named", {"q": "name", "qv": "file 77"}),
    ):
        started = time.monotonic()
        answer = http.get(f"/api/histories/{history}/contents", params=query)
        timings[name] = time.monotonic() - started
        assert answer.status_code == 200
    started = time.monotonic()
    assert alice.histories.show_history(history)["contents_active"]["active"] == 10_000
    timings["history"] = time.monotonic() - started
    print({name: round(seconds, 3) for name, seconds in timings.items()})
    assert timings["page"] < timings["all"]
    assert timings["all"] < 30  # generous: the machine may be busy; it takes about a second
    assert timings["history"] < 10
