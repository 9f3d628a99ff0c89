"""Schemathesis over the published OpenAPI: nothing that is sent makes the server answer 500."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from bioblend.galaxy import GalaxyInstance

from perijove.testing.history_server import HistoryServer


@pytest.mark.slow
def test_no_answer_is_a_server_error(server: HistoryServer, alice: GalaxyInstance, tmp_path: Path) -> None:
    history = alice.histories.create_history("fuzzed")["id"]
    alice.tools.paste_content("a\tb\n", history)
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"),
            "run",
            f"{server.url}/openapi.json",
            "--checks=not_a_server_error",
            "--phases=examples,coverage,fuzzing",
            "--mode=all",
            "--max-examples=8",
            "--seed=1",
            "--header=x-api-key: key-of-alice",
            "--request-timeout=60",
            "--no-color",
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=580,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]


def test_openapi_is_published(anonymous: httpx.Client) -> None:
    described = anonymous.get("/openapi.json").json()
    assert described["servers"] == [{"url": "/services/galaxy"}]
    assert "/api/histories/{history_id}/contents" in described["paths"]
