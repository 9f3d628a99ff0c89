"""What one user's job can find of another's lab, files, tokens and of the platform: nothing."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests
from bioblend.galaxy import GalaxyInstance
from tests.integration.platform.conftest import Platform

pytestmark = [pytest.mark.root, pytest.mark.platform]

# Runs as the job of the curious one. Prints one JSON object: what each attempt came to.
CURIOUS = """
import json, os, pathlib, socket

HOME, PORTS, SECRET = {home!r}, {ports!r}, {secret!r}

def attempt(act):
    try:
        return repr(act())[:200]
    except Exception as error:
        return type(error).__name__

def connects(address, port):
    with socket.create_connection((address, port), timeout=3):
        return "connected"

def in_any_process():
    found = [p for p in pathlib.Path("/proc").glob("[0-9]*/environ") if SECRET.encode() in p.read_bytes()]
    return len(found)

print("FOUND " + json.dumps({{
    "home": attempt(lambda: os.listdir(HOME + "/homes")),
    "datasets": attempt(lambda: os.listdir(HOME + "/datasets")),
    "state": attempt(lambda: os.listdir(HOME + "/state")),
    "launcher": attempt(lambda: socket.socket(socket.AF_UNIX).connect(HOME + "/run/launcher.sock")),
    "ports": [attempt(lambda: connects("127.0.0.1", port)) for port in PORTS],
    "outside": [attempt(lambda: connects({address!r}, port)) for port in PORTS],
    "secret": attempt(in_any_process),
    "token": "API_KEY" in os.environ or "JUPYTERHUB_API_TOKEN" in os.environ,
    "processes": len(list(pathlib.Path("/proc").glob("[0-9]*"))),
    "uid": os.getuid(),
}}))
"""


def person(platform: Platform, name: str) -> GalaxyInstance:
    platform.run("user", "add", name)
    return GalaxyInstance(f"{platform.url}/services/galaxy", platform.token(name))


def run_script(galaxy: GalaxyInstance, text: str) -> dict[str, Any]:
    history = galaxy.histories.create_history("curious")["id"]
    code = galaxy.tools.paste_content(text, history, file_name="curious.py", file_type="txt")
    inputs = {"select_file": {"src": "hda", "id": code["outputs"][0]["id"]}}
    job = galaxy.tools.run_tool(history, "run_jupyter_job", inputs)["jobs"][0]["id"]
    deadline = time.monotonic() + 180
    while (found := galaxy.jobs.show_job(job, full_details=True))["state"] not in ("ok", "error"):
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
    return dict(found)


def own_address() -> str:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.254", 9))  # sends nothing; asks the kernel which address it would use
        return str(probe.getsockname()[0])


def private_ports(platform: Platform) -> list[int]:
    ports: dict[str, int] = json.loads((platform.home / "state" / "ports.json").read_text())
    lab_ports = [pair for lab in platform.status()["labs"] for pair in inbound(platform, lab["id"])]
    return [*ports.values(), *lab_ports]


def inbound(platform: Platform, lab: str) -> list[int]:
    spec = json.loads((platform.home / "sandboxes" / lab / "spec.json").read_text())
    return [pair["host_port"] for pair in spec.get("spec", spec)["inbound"]]


@pytest.fixture
def lab_of_ada(platform: Platform) -> Any:
    from perijove.core.settings import load_settings
    from perijove.hub.client import HubClient

    admin = HubClient(load_settings(home=platform.home, port=platform.port))
    platform.run("user", "add", "ada")
    admin.start_lab("ada")
    deadline = time.monotonic() + 180
    while not admin.user("ada")["servers"].get("", {}).get("ready"):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    yield admin
    admin.stop_lab("ada")


def test_a_job_finds_nothing_of_another_user(platform: Platform, lab_of_ada: Any) -> None:
    secret = platform.token("ada")
    ports = private_ports(platform)
    assert len(ports) > 5
    text = CURIOUS.format(home=str(platform.home), ports=ports, secret=secret, address=own_address())
    job = run_script(person(platform, "eve"), text)
    assert job["state"] == "ok", job
    line = next(line for line in job["stdout"].splitlines() if line.startswith("FOUND "))
    found = json.loads(line.removeprefix("FOUND "))
    assert found.pop("uid") >= 200_000
    assert found.pop("processes") < 20
    assert found.pop("secret") == "0"
    assert found.pop("token") is False
    assert all("connected" not in answer for answer in (*found.pop("ports"), *found.pop("outside")))
    assert all(answer in ("FileNotFoundError", "PermissionError") for answer in found.values()), found


def test_one_user_can_not_open_what_is_another_s(platform: Platform, lab_of_ada: Any) -> None:
    ada, eve = person(platform, "ada"), person(platform, "eve")
    history = ada.histories.create_history("private")["id"]
    dataset = ada.tools.paste_content("mine", history)["outputs"][0]["id"]
    headers = {"Authorization": f"token {eve.key}"}
    for path in (
        f"/services/galaxy/api/histories/{history}",
        f"/services/galaxy/api/datasets/{dataset}",
        f"/services/galaxy/api/datasets/{dataset}/display",
        "/user/ada/api/contents",
        "/user/ada/api/kernels",
        "/hub/api/users/ada",
        "/hub/api/users",
    ):
        answer = requests.get(f"{platform.url}{path}", headers=headers, timeout=30, allow_redirects=False)
        assert answer.status_code in (403, 404), (path, answer.status_code, answer.text[:300])
