"""From an empty home to a running platform, and through everything that can end it."""

from __future__ import annotations

import os
import pwd
import random
import re
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
import requests
from bioblend.galaxy import GalaxyInstance
from tests.integration.platform.conftest import Platform

pytestmark = [pytest.mark.root, pytest.mark.platform]


def wait_until(holds: Callable[[], Any], seconds: float = 120.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def hub(platform: Platform, method: str, path: str, token: str, **arguments: Any) -> requests.Response:
    headers = {"Authorization": f"token {token}"}
    return requests.request(method, f"{platform.url}{path}", headers=headers, timeout=60, **arguments)


def test_the_first_start_prints_one_line_with_a_sign_in_link(
    platform: Platform, first_start: subprocess.CompletedProcess[str]
) -> None:
    lines = first_start.stdout.splitlines()
    assert len(lines) == 1
    link = re.search(rf"{re.escape(platform.url)}/hub/\S+#\S+", lines[0])
    assert link
    page = requests.get(link.group(0), timeout=60)
    assert page.status_code == 200
    assert link.group(0).partition("#")[2] not in platform.logs()


def test_status_tells_what_runs(platform: Platform) -> None:
    status = platform.status()
    assert status["state"] == "running"
    assert status["hub_url"] == platform.url
    assert status["galaxy_url"] == f"{platform.url}/services/galaxy"
    assert re.fullmatch(r"\d+\.\d+\.\d+", status["version"])
    assert {process["name"] for process in status["processes"]} == {"launcher", "proxy", "hub", "histories"}
    assert all(process["ready"] for process in status["processes"])
    assert status["free"]["cpus"] == status["total"]["cpus"] > 0


def test_new_labs_find_the_notebooks(platform: Platform) -> None:
    assert (platform.home / "notebooks" / "home.ipynb").is_file()


def test_only_the_launcher_is_root(platform: Platform) -> None:
    account = pwd.getpwnam("perijove").pw_uid
    for process in platform.status()["processes"]:
        expected = 0 if process["name"] == "launcher" else account
        assert set(psutil.Process(process["pid"]).uids()) == {expected}, process["name"]


def test_no_secret_stands_in_a_command_line_or_is_readable(platform: Platform) -> None:
    assert stat.S_IMODE((platform.home / "state").stat().st_mode) == 0o700
    for process in platform.status()["processes"]:
        line = " ".join(psutil.Process(process["pid"]).cmdline())
        assert not re.search(r"[0-9a-f]{32}", line), process["name"]


def test_a_person_added_by_name_has_a_key_at_once(platform: Platform) -> None:
    link = platform.run("user", "add", "ada", "--admin").stdout
    assert link.startswith(platform.url)
    token = platform.token("ada")
    galaxy = GalaxyInstance(f"{platform.url}/services/galaxy", token)
    assert galaxy.users.get_current_user()["username"] == "ada"
    assert galaxy.config.get_version()["version_major"]
    assert "ada" in platform.run("user", "list").stdout


def test_a_class_is_let_in_by_one_command(platform: Platform) -> None:
    lines = platform.run("user", "add", "seat01", "seat02", "seat03").stdout.splitlines()
    names, links = zip(*(line.split(",") for line in lines), strict=True)
    assert names == ("seat01", "seat02", "seat03")
    assert len(set(links)) == 3
    for name, link in zip(names, links, strict=True):
        assert link.startswith(f"{platform.url}/hub/welcome?name={name}#")


def test_nobody_gets_a_key_without_access(platform: Platform) -> None:
    answer = platform.run("token", "mallory", check=False)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert "mallory" in answer.stderr


def test_a_second_platform_on_the_same_home_is_refused(platform: Platform) -> None:
    answer = platform.run("up", check=False)
    assert answer.returncode == 1
    assert f"process {platform.status()['pid']}" in answer.stderr


def test_a_killed_hub_comes_back(platform: Platform) -> None:
    before = platform.process("hub")
    os.kill(before["pid"], signal.SIGKILL)
    wait_until(
        lambda: platform.process("hub")["pid"] not in (0, before["pid"]) and platform.process("hub")["ready"]
    )
    assert requests.get(f"{platform.url}/hub/health", timeout=60).status_code == 200


def test_a_killed_supervisor_leaves_nothing_behind(platform: Platform) -> None:
    status = platform.status()
    os.kill(status["pid"], signal.SIGKILL)
    for process in status["processes"]:
        wait_until(lambda pid=process["pid"]: gone(pid))
    assert platform.status()["state"] == "stopped"
    platform.up()
    assert platform.status()["state"] == "running"


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_lab_and_a_job_outlive_the_platform(platform: Platform) -> None:
    platform.run("user", "add", "ada", "--admin")
    token = platform.token("ada")
    admin = lab_starter(platform)
    admin.start_lab("ada")
    wait_until(lambda: admin.user("ada")["servers"].get("", {}).get("ready"))
    galaxy = GalaxyInstance(f"{platform.url}/services/galaxy", token)
    history = galaxy.histories.create_history("outlive")["id"]
    script = "import time\ntime.sleep(20)\nx = 41 + 1\n"
    code = galaxy.tools.paste_content(script, history, file_name="long.py")["outputs"][0]["id"]
    run = galaxy.tools.run_tool(history, "run_jupyter_job", {"select_file": {"src": "hda", "id": code}})
    job = run["jobs"][0]["id"]
    wait_until(lambda: galaxy.jobs.show_job(job)["state"] == "running")
    lab = platform.status()["labs"][0]

    os.kill(platform.status()["pid"], signal.SIGKILL)
    wait_until(lambda: platform.status()["state"] == "stopped")
    assert [entry["id"] for entry in platform.status()["labs"]] == [lab["id"]]
    platform.up()

    state = wait_until(lambda: (found := galaxy.jobs.show_job(job)["state"]) in ("ok", "error") and found)
    assert state == "ok", galaxy.jobs.show_job(job, full_details=True)
    assert admin.user("ada")["servers"][""]["ready"]
    assert [entry["id"] for entry in platform.status()["labs"]] == [lab["id"]]
    assert "1 lab" in platform.run("down").stdout
    assert "1 lab" in platform.run("down", "--all").stdout
    assert platform.status()["labs"] == []


ONCE = """
import time, uuid, pathlib
with open("/job/work/ran", "a") as file:  # one line a run
    file.write(uuid.uuid4().hex + "\\n")
time.sleep({seconds})
pathlib.Path("outputs").mkdir()
pathlib.Path("outputs/ran.txt").write_text(pathlib.Path("/job/work/ran").read_text())
"""


@pytest.mark.timeout(900)
def test_jobs_outlive_five_kills_at_random_moments(platform: Platform) -> None:
    platform.run("user", "add", "ada", "--admin")
    galaxy = GalaxyInstance(f"{platform.url}/services/galaxy", platform.token("ada"))
    history = galaxy.histories.create_history("killed")["id"]
    chance = random.Random()
    jobs = {}
    for kill in range(5):
        jobs[submit_once(galaxy, history, f"j{kill}", chance.uniform(0, 15))] = f"j{kill}"
        time.sleep(chance.uniform(0, 4))
        os.kill(platform.status()["pid"], signal.SIGKILL)
        wait_until(lambda: platform.status()["state"] == "stopped")
        platform.up()
    for job in jobs:
        state = wait_until(lambda job=job: (s := galaxy.jobs.show_job(job)["state"]) in ("ok", "error") and s)
        assert state == "ok", galaxy.jobs.show_job(job, full_details=True)
    contents = galaxy.histories.show_history(history, contents=True, visible=False, deleted=False)
    ran = [one for one in contents if one["name"].endswith("ran.txt")]
    assert len(ran) == len(jobs), [one["name"] for one in contents]
    for dataset in ran:
        text = galaxy.datasets.download_dataset(dataset["id"])
        assert len(text.splitlines()) == 1, "a job ran more than once"


def submit_once(galaxy: GalaxyInstance, history: str, name: str, seconds: float) -> str:
    script = ONCE.format(seconds=seconds)
    code = galaxy.tools.paste_content(script, history, file_name=f"{name}.py")["outputs"][0]["id"]
    run = galaxy.tools.run_tool(history, "run_jupyter_job", {"select_file": {"src": "hda", "id": code}})
    return str(run["jobs"][0]["id"])


def lab_starter(platform: Platform) -> Any:
    from perijove.core.settings import load_settings
    from perijove.hub.client import HubClient

    return HubClient(load_settings(home=platform.home, port=platform.port))
