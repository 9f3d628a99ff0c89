"""Schemathesis over the published OpenAPI: nothing that is sent makes the server answer 500."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from bioblend.galaxy import GalaxyInstance
from bioblend.galaxy.dataset_collections import CollectionDescription, HistoryDatasetElement

from perijove.testing.history_server import HistoryServer


def existing_ids(gi: GalaxyInstance, http: httpx.Client) -> dict[str, str]:
    """Things for the requests to name, so that they get past "there is no such history"."""
    history = gi.histories.create_history("fuzzed")["id"]
    pasted = gi.tools.paste_content("a\tb\n", history)
    dataset = pasted["outputs"][0]["id"]
    described = CollectionDescription("c", elements=[HistoryDatasetElement("a", dataset)])
    upload = http.post("/api/upload/resumable_upload", headers={"Upload-Length": "10"})
    return {
        "history_id": history,
        "dataset_id": dataset,
        "content_id": dataset,
        "collection_id": gi.histories.create_dataset_collection(history, described)["id"],
        "job_id": pasted["jobs"][0]["id"],
        "user_id": gi.users.get_current_user()["id"],
        "upload_id": upload.headers["location"].rsplit("/", 1)[1],
    }


@pytest.mark.slow
@pytest.mark.parametrize("named", ["nothing", "what exists"])
def test_no_answer_is_a_server_error(
    server: HistoryServer, alice: GalaxyInstance, http: httpx.Client, tmp_path: Path, named: str
) -> None:
    if named == "what exists":
        lines = [f'"path.{name}" = "{value}"' for name, value in existing_ids(alice, http).items()]
        (tmp_path / "schemathesis.toml").write_text("[parameters]\n" + "\n".join(lines) + "\n")
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"),
            "run",
            f"{server.url}/openapi.json",
            "--checks=not_a_server_error",
            "--phases=coverage,fuzzing",
            "--mode=all",
            "--max-examples=6",
            "--seed=1",
            f"--header=x-api-key: {server.keys['alice']}",
            "--request-timeout=60",
            "--wait-for-schema=120",
            "--exclude-method=PATCH",  # the body of tus, which Schemathesis cannot write
            *(["--exclude-method=DELETE"] if named == "what exists" else []),
            "--no-color",
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]


def test_openapi_is_published(anonymous: httpx.Client) -> None:
    described = anonymous.get("/openapi.json").json()
    assert described["servers"] == [{"url": "/services/galaxy"}]
    assert "/api/histories/{history_id}/contents" in described["paths"]
