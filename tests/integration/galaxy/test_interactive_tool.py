"""The interactive tool on a real Galaxy: in a browser through its proxy, and without a lab in a workflow."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import requests
from bioblend.galaxy import GalaxyInstance
from playwright.sync_api import Browser, expect
from tests.browser.page_objects import PATIENCE, LabPage

from perijove.testing.real_galaxy.server import Running
from perijove_lab.client.connection import Connection
from perijove_lab.client.outgoing import Item, put_file

pytestmark = [pytest.mark.galaxy, pytest.mark.timeout(1200)]
TOOL = "interactive_tool_perijove"


@pytest.fixture(scope="module")
def alice(real_galaxy: Running) -> GalaxyInstance:
    return GalaxyInstance(real_galaxy.url, key=real_galaxy.keys["alice"])


@pytest.fixture
def history(alice: GalaxyInstance, request: pytest.FixtureRequest) -> str:
    return str(alice.histories.create_history(request.node.name)["id"])


@pytest.fixture
def upload(alice: GalaxyInstance, history: str, tmp_path: Path) -> Callable[..., str]:
    connection = Connection(alice.base_url, alice.key)

    def send(name: str, text: str, ext: str) -> str:
        (tmp_path / name).write_text(text)
        return put_file(connection, Item(tmp_path / name, name), history, file_type=ext).id

    return send


def until(found: Callable[[], Any], seconds: float = 180.0) -> Any:
    """The first answer that is not empty."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.5)
    return answer


def entry_points(galaxy: GalaxyInstance, job: str) -> list[dict[str, Any]]:
    answer = galaxy.make_get_request(f"{galaxy.url}/entry_points", params={"job_id": job})
    return [one for one in answer.json() if one["active"]]


@pytest.fixture
def opened(
    alice: GalaxyInstance, history: str, upload: Callable[..., str]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """A lab with one dataset: the tool's answer, and its entry point."""
    data = {"src": "hda", "id": upload("numbers.csv", "1\n2\n3\n", "csv")}
    answer = alice.tools.run_tool(history, TOOL, {"mode|mode_select": "scratch", "input": data})
    entry = until(lambda: entry_points(alice, answer["jobs"][0]["id"]))[0]
    yield answer, entry
    alice.make_delete_request(f"{alice.url}/entry_points/{entry['id']}")


def stop(alice: GalaxyInstance, entry: dict[str, Any]) -> None:
    alice.make_delete_request(f"{alice.url}/entry_points/{entry['id']}").raise_for_status()


@pytest.mark.browser
def test_a_lab_in_a_browser(
    alice: GalaxyInstance,
    history: str,
    opened: tuple[dict[str, Any], dict[str, Any]],
    browser: Browser,
    pictures: Path | None,
) -> None:
    answer, entry = opened
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    lab = LabPage(context.new_page())
    lab.page.set_default_timeout(PATIENCE)
    until(lambda: requests.get(entry["target"], timeout=30).status_code == 200)
    with lab._kernel_awaited():
        lab.page.goto(entry["target"])
    assert lab.run_cell("print(sum(int(line) for line in open('data/numbers.csv')))").strip() == "6"
    lab.run_cell("open('figure.txt', 'w').write('from the lab')")
    lab.run_cell("made = put('figure.txt'); print('put as', made.hid)")
    lab.run_cell("open('outputs/kept.txt', 'w').write('kept')")
    lab.page.keyboard.press("Control+s")
    expect(lab.page.locator(".jp-Document .jp-mod-dirty, .lm-TabBar-tab.jp-mod-dirty")).to_have_count(0)
    lab.photograph(pictures, "galaxy-interactive-tool")
    arrived = [
        one for one in alice.histories.show_history(history, contents=True) if one["name"] == "figure.txt"
    ]
    assert alice.datasets.download_dataset(arrived[0]["id"]) == b"from the lab"
    time.sleep(4)  # the tool looks every two seconds
    stop(alice, entry)
    context.close()
    job = answer["jobs"][0]["id"]
    until(lambda: alice.jobs.get_state(job) in ("ok", "error", "deleted"))
    assert alice.jobs.get_state(job) == "ok"
    saved = alice.datasets.download_dataset(answer["outputs"][0]["id"]).decode()
    assert "put as" in saved
    assert nbformat.reads(saved, 4).cells[0].outputs[0].text.strip() == "6"
    collection = alice.dataset_collections.show_dataset_collection(answer["output_collections"][0]["id"])
    assert "kept.txt" in [one["element_identifier"] for one in collection["elements"]]


def test_nobody_comes_in_without_the_token(
    alice: GalaxyInstance, real_galaxy: Running, opened: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    _, entry = opened
    address, _, query = entry["target"].partition("?")
    assert len(query.removeprefix("token=")) == 64
    base = address.partition("/lab")[0]
    until(lambda: requests.get(entry["target"], timeout=30).status_code == 200)
    assert requests.get(f"{base}/api/contents?{query}", timeout=30).status_code == 200
    for wrong in ("", "?token=", "?token=" + "0" * 64):
        assert requests.get(f"{base}/api/contents{wrong}", timeout=30).status_code == 403
    assert requests.get(address, timeout=30).url.partition("?")[0].endswith("/login")
    settings = f"{base}/lab/api/settings/@jupyterlab/docmanager-extension:plugin?{query}"
    schema = requests.get(settings, timeout=30).json()["schema"]
    assert schema["properties"]["autosaveInterval"]["default"] == 10
    port = entry_port(base)
    assert requests.get(f"http://127.0.0.1:{port}/api/contents", timeout=30).status_code in (403, 404)
    bob = GalaxyInstance(real_galaxy.url, key=real_galaxy.keys["bob"])
    assert bob.make_get_request(f"{bob.url}/entry_points", params={"running": True}).json() == []


def entry_port(base: str) -> int:
    """The lab's own port, behind the proxy."""
    import psutil

    path = base.partition("://")[2].partition("/")[2]
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
        except psutil.Error:
            continue
        if any(path in part for part in line):
            return next(int(part.rpartition("=")[2]) for part in line if part.startswith("--ServerApp.port="))
    raise AssertionError("the lab does not run")


# ------------------------------------------------------------------ without a lab

SUM = (
    "factor = 1",
    "from pathlib import Path\n"
    "lines = [line for path in sorted(Path('data').iterdir()) for line in path.read_text().split()]\n"
    "Path('outputs').mkdir()\n"
    "Path('outputs/total.txt').write_text(f'total {factor * sum(map(int, lines))}\\n')",
)


def sum_notebook() -> str:
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(source) for source in SUM]
    book.cells[0].metadata["tags"] = ["parameters"]
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return str(nbformat.writes(book))


def step(number: int, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "type": kind,
        "tool_id": None,
        "tool_version": None,
        "name": kind,
        "label": None,
        "annotation": "",
        "inputs": [],
        "outputs": [],
        "workflow_outputs": [],
        "input_connections": {},
        "tool_state": "{}",
        **more,
    }


def workflow() -> dict[str, Any]:
    """Two files joined, the notebook run on them, and each file that it made passed on."""
    join = {"input1": None, "queries": [{"input2": None}]}
    run = {
        "mode": {"mode_select": "previous", "ipynb": None, "run_it": True, "parameters": '{"factor": 2}'},
        "input": None,
        "collections": [],
    }
    steps = [
        step(0, "data_input", label="numbers"),
        step(1, "data_input", label="notebook"),
        step(
            2,
            "tool",
            tool_id="cat1",
            tool_state=json.dumps(join),
            input_connections={
                "input1": {"id": 0, "output_name": "output"},
                "queries_0|input2": {"id": 0, "output_name": "output"},
            },
        ),
        step(
            3,
            "tool",
            tool_id=TOOL,
            tool_state=json.dumps(run),
            input_connections={
                "mode|ipynb": {"id": 1, "output_name": "output"},
                "input": {"id": 2, "output_name": "out_file1"},
            },
        ),
        step(
            4,
            "tool",
            tool_id="cat1",
            tool_state=json.dumps({"input1": None, "queries": []}),
            input_connections={"input1": {"id": 3, "output_name": "outputs"}},
        ),
    ]
    return {
        "a_galaxy_workflow": "true",
        "format-version": "0.1",
        "name": "A notebook between tools",
        "annotation": "",
        "steps": {str(one["id"]): one for one in steps},
    }


def test_between_tools_in_a_workflow(alice: GalaxyInstance, history: str, upload: Callable[..., str]) -> None:
    numbers, notebook = upload("n.csv", "1\n2\n", "csv"), upload("sum.ipynb", sum_notebook(), "ipynb")
    made = alice.workflows.import_workflow_dict(workflow())
    given = {"0": {"src": "hda", "id": numbers}, "1": {"src": "hda", "id": notebook}}
    asked = alice.workflows.invoke_workflow(made["id"], inputs=given, history_id=history)

    def jobs() -> list[dict[str, Any]]:
        found = alice.jobs.get_jobs(history_id=history)
        return [one for one in found if one["tool_id"] in ("cat1", TOOL)]

    # The notebook made a file and left variables: the last tool runs once for each of the two.
    until(lambda: len(jobs()) == 4 and all(one["state"] in ("ok", "error") for one in jobs()), 400)
    assert [one["state"] for one in jobs()] == ["ok"] * 4, alice.invocations.show_invocation(asked["id"])
    last = sorted(jobs(), key=lambda one: str(one["create_time"]))[2:]
    outputs = [
        alice.jobs.show_job(one["id"], full_details=True)["outputs"]["out_file1"]["id"] for one in last
    ]
    assert b"total 12\n" in [alice.datasets.download_dataset(one) for one in outputs]
