"""A pipeline of notebooks, exported, imported into a real Galaxy and run there; its history comes home."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bioblend.galaxy import GalaxyInstance
from tests.integration.galaxy.test_archives import exported, imported
from typer.testing import CliRunner

from perijove.cli import pipeline
from perijove.testing.history_server import HistoryServer
from perijove.testing.real_galaxy.server import Running

pytestmark = [
    pytest.mark.galaxy,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),  # BioBlend's tus client
]
SCALE = [
    "factor = 1",
    "rows = [int(x) for x in open('data/numbers.csv')]\nimport os\nos.makedirs('outputs/sub')",
    "open('outputs/sub/scaled.csv', 'w').write('\\n'.join(str(factor * x) for x in rows))",
]
TOTAL = "print('total', sum(int(x) for x in open('outputs/sub/scaled.csv')))\n"
LAST = ["import json\nprint('before:', json.load(open('after/total.json'))['state'])"]


def notebook(*cells: str) -> str:
    """A notebook; its first cell holds the parameters where it has several."""
    found = [
        {
            "cell_type": "code",
            "id": f"c{index}",
            "metadata": {"tags": ["parameters"]} if index == 0 and len(cells) > 1 else {},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
        for index, source in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": found}
    )


def node(key: str, filename: str, *after: str, op: str = "execute-notebook-node", **given: Any) -> dict:
    links = [{"id": f"{key}-{one}", "node_id_ref": one, "port_id_ref": "outPort"} for one in after]
    app = {
        "component_parameters": {"filename": filename, **given},
        "label": "",
        "ui_data": {"label": filename},
    }
    return {
        "id": key,
        "type": "execution_node",
        "op": op,
        "app_data": app,
        "inputs": [{"id": "inPort", "links": links}],
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A pipeline with its notebooks: one scales numbers, a script adds them, a notebook waits for that."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "numbers.csv").write_text("1\n2\n3")
    (tmp_path / "scale.ipynb").write_text(notebook(*SCALE))
    (tmp_path / "total.py").write_text(TOTAL)
    (tmp_path / "last.ipynb").write_text(notebook(*LAST))
    nodes = [
        node(
            "1",
            "scale.ipynb",
            dependencies=["data/numbers.csv"],
            outputs=["outputs/sub/scaled.csv"],
            parameters={"factor": 7},
        ),
        node("2", "total.py", "1", op="execute-python-node"),
        node("3", "last.ipynb", "2"),
    ]
    flow = {"id": "p", "nodes": nodes, "app_data": {"properties": {"name": "Scale and add"}}}
    (tmp_path / "sum.pipeline").write_text(json.dumps({"doc_type": "pipeline", "pipelines": [flow]}))
    return tmp_path


@pytest.fixture(scope="module")
def there(real_galaxy: Running) -> GalaxyInstance:
    return GalaxyInstance(real_galaxy.url, key=real_galaxy.keys["alice"])


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GalaxyInstance]:
    with HistoryServer(home=tmp_path_factory.mktemp("home")) as server:
        yield GalaxyInstance(server.url, key=server.keys["alice"])


def invoked(there: GalaxyInstance, folder: Path) -> tuple[str, str]:
    """The pipeline exported by the command line, imported and run by BioBlend: history and invocation."""
    target = folder / "sum.gxwf.yml"
    result = CliRunner().invoke(pipeline.app, ["export", str(folder / "sum.pipeline"), "-o", str(target)])
    assert result.exit_code == 0, result.output
    workflow = there.workflows.import_workflow_dict({"yaml_content": target.read_text()})
    history = str(there.histories.create_history("A pipeline")["id"])
    given = {}
    for index, one in there.workflows.show_workflow(workflow["id"])["inputs"].items():
        name = one["label"]
        path = folder / {"data_numbers.csv": "data/numbers.csv"}.get(name, name)
        ext = {".ipynb": "ipynb", ".csv": "csv", ".py": "txt"}[path.suffix]
        upload = there.tools.upload_file(str(path), history, file_type=ext, to_posix_lines=False)
        given[index] = {"src": "hda", "id": upload["outputs"][0]["id"]}
    asked = there.workflows.invoke_workflow(workflow["id"], inputs=given, history_id=history)
    return history, str(asked["id"])


def test_it_runs_and_comes_home(there: GalaxyInstance, here: GalaxyInstance, folder: Path) -> None:
    history, invocation = invoked(there, folder)
    there.invocations.wait_for_invocation(invocation, maxwait=300, interval=1)
    jobs = [one for one in there.jobs.get_jobs(history_id=history) if one["tool_id"] == "run_jupyter_job"]
    for job in jobs:
        there.jobs.wait_for_job(job["id"], maxwait=300, interval=1)
    shown = [there.jobs.show_job(job["id"], full_details=True) for job in jobs]
    assert [one["state"] for one in shown] == ["ok"] * 3, [one["tool_stderr"] for one in shown]
    executed = {}
    for one in there.histories.show_history(history, contents=True):
        if one["name"].startswith("Executed notebook of "):
            executed[one["name"].rpartition(" ")[2]] = there.datasets.download_dataset(one["id"]).decode()
    assert "total 42" in executed["total"]
    assert "before: ok" in executed["last"]
    again = imported(here, exported(there, history, "rocrate.zip", folder / "home.rocrate.zip"))
    home = [one for one in here.jobs.get_jobs(history_id=again) if one["tool_id"] == "run_jupyter_job"]
    assert [one["state"] for one in home] == ["ok"] * 3
    names = {one["name"] for one in here.histories.show_history(again, contents=True)}
    assert {"Executed notebook of total", "Files of scale"} <= names
