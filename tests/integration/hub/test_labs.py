"""A lab from the start page to a cell, and the walls between users."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import requests

from perijove.hub.testing import FrontDoor, Visitor, wait_until

People = Callable[[str], Visitor]


@pytest.fixture(scope="module")
def ada(people: People) -> Visitor:
    return people("ada")


@pytest.fixture(scope="module")
def lab(ada: Visitor) -> str:
    """Ada's lab, running."""
    assert ada.start_lab("small").ok
    return ada.wait_for_lab()


@pytest.fixture(scope="module")
def kernel(ada: Visitor, lab: str) -> str:
    return ada.new_kernel(lab)


def value(visitor: Visitor, lab: str, kernel: str, expression: str) -> object:
    return json.loads(visitor.execute(lab, kernel, f"import json, os; print(json.dumps({expression}))"))


def test_a_cell_runs(ada: Visitor, lab: str, kernel: str) -> None:
    assert ada.execute(lab, kernel, "print(6 * 7)") == "42\n"


def test_the_lab_knows_galaxy_and_its_flavor(ada: Visitor, lab: str, kernel: str) -> None:
    env = value(ada, lab, kernel, "dict(os.environ)")
    assert isinstance(env, dict)
    assert env["GALAXY_URL"] == "http://127.0.0.1:45300/services/galaxy"
    assert env["API_KEY"] == env["JUPYTERHUB_API_TOKEN"]
    assert env["HISTORY_ID"] == ""
    assert env["HOME"] == "/home/jovyan"
    assert env["MEM_LIMIT"] == str(2**30)


def test_secrets_are_not_in_the_process_list_of_the_host(
    ada: Visitor, lab: str, kernel: str, door: FrontDoor
) -> None:
    from pathlib import Path

    token = str(value(ada, lab, kernel, "os.environ['API_KEY']"))
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert token.encode() not in cmdline.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
    assert token not in door.log("hub") + door.log("proxy")


def test_the_labs_token_uses_the_histories_and_nothing_more(
    ada: Visitor, lab: str, kernel: str, door: FrontDoor
) -> None:
    token = str(value(ada, lab, kernel, "os.environ['API_KEY']"))
    headers = {"Authorization": f"token {token}"}
    model = requests.get(door.url + "/hub/api/user", headers=headers, timeout=30).json()
    assert model["name"] == "ada"
    assert model["groups"] == []
    assert "access:services!service=galaxy" in model["scopes"]
    for path in ("/hub/api/users", "/hub/api/people", "/hub/api/users/root-ada"):
        assert requests.get(door.url + path, headers=headers, timeout=30).status_code in (403, 404)
    assert (
        requests.post(door.url + "/hub/api/users/ada/tokens", headers=headers, timeout=30).status_code == 403
    )


def test_the_front_door_is_reached_from_inside(ada: Visitor, lab: str, kernel: str) -> None:
    code = (
        "import os, urllib.request as u\n"
        "headers = {'Authorization': 'token ' + os.environ['API_KEY']}\n"
        "ask = u.Request('http://127.0.0.1:45300/hub/api/user', headers=headers)\n"
        "print(u.urlopen(ask, timeout=20).status)"
    )
    assert ada.execute(lab, kernel, code) == "200\n"


def test_nobody_else_opens_a_lab(
    ada: Visitor, lab: str, kernel: str, people: People, admin: Visitor, door: FrontDoor
) -> None:
    stranger = Visitor(door.url)
    for other in (people("bob"), admin):
        assert other.get(f"{lab}/lab").status_code == 403
        assert other.lab_api(lab, "GET", "contents").status_code in (403, 404)
        with pytest.raises(Exception, match="403"):
            other.execute(lab, kernel, "1")
    assert stranger.lab_api(lab, "GET", "contents").status_code == 403
    assert "/hub/login" in stranger.get(f"{lab}/lab").url
    wrong = {"Authorization": "token wrong"}
    assert requests.get(f"{door.url}{lab}/api/contents", headers=wrong, timeout=30).status_code == 403


def test_an_administrator_cannot_start_a_lab_in_and_open_it(
    admin: Visitor, people: People, door: FrontDoor
) -> None:
    people("gus")
    door.client.start_lab("gus", flavor="small")
    wait_until(lambda: door.client.user("gus")["servers"].get("", {}).get("ready"), what="gus's lab")
    assert admin.get("/user/gus/lab").status_code == 403
    door.client.stop_lab("gus")


def test_home_and_start_page_show_what_is_held(ada: Visitor, lab: str, people: People) -> None:
    home = ada.get("/hub/home").text
    assert "Holds 1 CPU, 1 GiB" in home
    start = people("bob").get("/hub/spawn").text
    assert "3 of 4 free" in start
    assert "ada (lab: 1 CPU, 1 GiB)" in start
    assert 'value="kept"' not in start


def test_what_is_not_free_is_refused_with_advice(lab: str, people: People) -> None:
    refused = people("bob").start_lab("whole")
    assert refused.status_code == 409
    assert "The whole machine (4 CPUs, 8 GiB) cannot be had now." in refused.text
    assert "Held by ada (lab: 1 CPU, 1 GiB)" in refused.text
    assert "Free now: small" in refused.text


@pytest.mark.parametrize(("flavor", "text"), [("kept", "kept to: vision"), ("nope", "There is no flavor")])
def test_flavors_that_may_not_be_chosen(people: People, flavor: str, text: str) -> None:
    refused = people("bob").start_lab(flavor)
    assert refused.status_code in (400, 403)
    assert text in refused.text


@pytest.mark.parametrize(
    "options", [{"flavor": 7}, {"flavor": {"a": 1}}, {"flavor": ["kept"]}, {"other": "x" * 9999}]
)
def test_odd_options_by_the_api_are_refused_or_harmless(
    people: People, door: FrontDoor, options: dict[str, object]
) -> None:
    people("odd")
    url = "/api/users/odd/server"
    answer = door.client._session.post(door.client._base + url, json={"user_options": options}, timeout=60)
    assert answer.status_code in (201, 202, 400, 403)
    if answer.ok:
        wait_until(lambda: not door.client.user("odd")["servers"].get("", {}).get("pending"), what="the lab")
        door.client.stop_lab("odd")


def test_a_second_lab_with_a_flavor_of_its_own(ada: Visitor, lab: str, kernel: str) -> None:
    assert ada.start_lab("small", server="second").ok
    second = ada.wait_for_lab("second")
    other = ada.new_kernel(second)
    ada.execute(lab, kernel, "open('shared.txt', 'w').write('same home')")
    assert ada.execute(second, other, "print(open('shared.txt').read())") == "same home\n"
    ids = [
        ada.execute(base, k, "import os; print(os.readlink('/proc/self/ns/net'))")
        for base, k in ((lab, kernel), (second, other))
    ]
    assert ids[0] != ids[1]


def _failure(visitor: Visitor, path: str) -> str:
    answer = visitor.get(path)
    return answer.text if answer.status_code >= 500 else ""


def test_a_lab_that_cannot_start_shows_its_last_lines(people: People, door: FrontDoor) -> None:
    zoe = people("zoe")
    zoe.start_lab("small")
    base = zoe.wait_for_lab()
    kernel = zoe.new_kernel(base)
    code = (
        "import pathlib\n"
        "file = pathlib.Path('.jupyter/jupyter_server_config.py')\n"
        "file.parent.mkdir(exist_ok=True)\n"
        "file.write_text('raise SystemExit(\\'my own mistake\\')')"
    )
    zoe.execute(base, kernel, code)
    door.client.stop_lab("zoe")
    wait_until(lambda: not door.client.user("zoe")["servers"], what="the lab's end")
    zoe.start_lab("small")
    page = wait_until(lambda: _failure(zoe, "/hub/spawn-pending/zoe"), what="the failure")
    assert "Your lab ended while it started" in page
    assert "my own mistake" in page


def test_the_waiting_page_hears_what_happens(people: People, door: FrontDoor) -> None:
    yan = people("yan")
    yan.start_lab("small")
    events = yan.get("/hub/api/users/yan/server/progress", headers={"Referer": f"{door.url}/hub/home"}).text
    messages = [json.loads(line[6:])["message"] for line in events.splitlines() if line.startswith("data: ")]
    assert "JupyterLab is starting" in messages
    assert messages[-1].startswith("Server ready")


def test_a_stopped_lab_gives_back_what_it_held(people: People, door: FrontDoor) -> None:
    yan = people("yan")
    yan.wait_for_lab()
    held = door.client.user("yan")["servers"][""]["state"]["sandbox_id"]
    door.client.stop_lab("yan")
    wait_until(lambda: not door.client.user("yan")["servers"], what="the lab's end")
    from perijove.sandbox import connect_launcher

    assert held not in [status.id for status in connect_launcher(door.settings).list()]
