"""Workflows of notebooks: BioBlend imports and runs them, whatever server runs the jobs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from bioblend.galaxy import GalaxyInstance
from tests.contract.galaxy_api.conftest import Server

from perijove_pipelines.conversion import convert
from perijove_pipelines.pipeline import Node, Pipeline
from perijove_pipelines.workflow import to_yaml

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),  # BioBlend's tus client
]

SPLIT = (
    "import os\nos.makedirs('outputs')\nopen('outputs/rows.csv', 'w').write(open('data/rows.csv').read())\n"
)
TOTAL = "import os\nos.makedirs('outputs', exist_ok=True)\ntotal = sum(map(int, open('outputs/rows.csv')))\n"
TOTAL += "open('outputs/total.txt', 'w').write(str(total))\n"
DIVIDE = "print('mean', int(open('outputs/total.txt').read()) / BY)\n"
NODES = (
    Node(
        key="a",
        label="split.py",
        code="split.py",
        files={"data/rows.csv": "rows.csv"},
        outputs=("outputs/rows.csv",),
    ),
    Node(key="b", label="total.py", code="total.py", after=("a",), outputs=("outputs/total.txt",)),
    Node(key="c", label="mean.py", code="mean.py", after=("b",)),
)


def uploaded(gi: GalaxyInstance, history: str, folder: Path, name: str, text: str) -> dict[str, str]:
    path = folder / name
    path.write_text(text)
    ext = "csv" if name.endswith(".csv") else "txt"
    answer = gi.tools.upload_file(str(path), history, file_type=ext, to_posix_lines=False)
    return {"src": "hda", "id": answer["outputs"][0]["id"]}


def imported(gi: GalaxyInstance) -> dict[str, Any]:
    text = to_yaml(convert(Pipeline(name="Means", nodes=NODES)).workflow)
    return dict(gi.workflows.import_workflow_dict({"yaml_content": text}))


def given(gi: GalaxyInstance, history: str, folder: Path, by: int) -> dict[str, dict[str, str]]:
    """The workflow's inputs by their labels."""
    texts = {
        "split.py": SPLIT,
        "total.py": TOTAL,
        "mean.py": DIVIDE.replace("BY", str(by)),
        "rows.csv": "1\n2\n3",
    }
    return {name: uploaded(gi, history, folder, name, text) for name, text in texts.items()}


def jobs_of(gi: GalaxyInstance, invocation: str) -> dict[str, dict[str, Any]]:
    """The jobs of the steps that run a notebook, by label; asked until each has ended or is held."""
    end = time.monotonic() + 600
    while True:
        steps = gi.invocations.show_invocation(invocation)["steps"]
        ours = {one["workflow_step_label"]: one["job_id"] for one in steps}
        found = {name: gi.jobs.show_job(ours[name]) for name in ("split", "total", "mean") if ours.get(name)}
        held = all(one["state"] in ("ok", "error", "paused", "deleted") for one in found.values())
        if len(found) == 3 and held:
            return found
        assert time.monotonic() < end, {name: one["state"] for name, one in found.items()}
        time.sleep(0.5)


def test_imported_shown_run_and_asked_about(alice: GalaxyInstance, history: str, tmp_path: Path) -> None:
    workflow = imported(alice)
    shown = alice.workflows.show_workflow(workflow["id"])
    labels = {one["label"] for one in shown["inputs"].values()}
    assert labels == {"split.py", "total.py", "mean.py", "rows.csv"}
    assert workflow["id"] in [one["id"] for one in alice.workflows.get_workflows(name="Means")]
    inputs = given(alice, history, tmp_path, by=3)
    by_index = {index: inputs[one["label"]] for index, one in shown["inputs"].items()}
    asked = alice.workflows.invoke_workflow(workflow["id"], inputs=by_index, history_id=history)
    found = jobs_of(alice, asked["id"])
    assert {one["state"] for one in found.values()} == {"ok"}
    summary = alice.invocations.get_invocation_summary(asked["id"])
    assert set(summary["states"]) == {"ok"}
    assert alice.invocations.wait_for_invocation(asked["id"], maxwait=60, interval=0.5)["id"] == asked["id"]
    assert asked["id"] in [one["id"] for one in alice.invocations.get_invocations(history_id=history)]
    in_run = alice.jobs.get_jobs(invocation_id=asked["id"], tool_id="run_jupyter_job")
    assert {one["id"] for one in in_run} == {one["id"] for one in found.values()}


def test_run_on_with_what_ended_well(
    server: Server, alice: GalaxyInstance, history: str, tmp_path: Path
) -> None:
    """Only the mended step is run; the others stand as they are."""
    if (server.name, server.database) == ("galaxy", "sqlite"):
        pytest.skip("needs a Galaxy on PostgreSQL, as make test-galaxy has it: apt-get install postgresql")
    workflow = imported(alice)
    broken = given(alice, history, tmp_path, by=0)
    first = alice.workflows.invoke_workflow(
        workflow["id"], inputs=broken, inputs_by="name", history_id=history
    )
    found = jobs_of(alice, first["id"])
    assert [found[name]["state"] for name in ("split", "total", "mean")] == ["ok", "ok", "error"]
    mended = {
        **broken,
        "mean.py": uploaded(alice, history, tmp_path, "mean.py", DIVIDE.replace("BY", "3")),
    }
    second = alice.workflows.invoke_workflow(
        workflow["id"], inputs=mended, inputs_by="name", history_id=history, use_cached_job=True
    )
    again = jobs_of(alice, second["id"])
    assert {one["state"] for one in again.values()} == {"ok"}
    for name in ("split", "total"):
        assert (again[name]["copied_from_job_id"] or again[name]["id"]) == found[name]["id"]
    assert again["mean"]["id"] != found["mean"]["id"]
    assert not again["mean"]["copied_from_job_id"]


def test_paused_behind_a_failure_and_cancelled(
    server: Server, alice: GalaxyInstance, history: str, tmp_path: Path
) -> None:
    if server.name == "galaxy":
        pytest.skip("a Galaxy does not schedule steps that read a collection which a failed job left empty")
    workflow = imported(alice)
    inputs = given(alice, history, tmp_path, by=3)
    inputs["split.py"] = uploaded(alice, history, tmp_path, "split.py", "raise ValueError('on purpose')\n")
    asked = alice.workflows.invoke_workflow(
        workflow["id"], inputs=inputs, inputs_by="name", history_id=history
    )
    found = jobs_of(alice, asked["id"])
    assert [found[name]["state"] for name in ("split", "total", "mean")] == ["error", "paused", "paused"]
    assert alice.invocations.cancel_invocation(asked["id"])["state"] == "cancelled"
    for name in ("total", "mean"):
        alice.jobs.wait_for_job(found[name]["id"], maxwait=60, interval=0.2, check=False)
        assert alice.jobs.get_state(found[name]["id"]) == "deleted"


def test_remapped_by_bioblend(server: Server, alice: GalaxyInstance, history: str, tmp_path: Path) -> None:
    """Galaxy's other way: the failed job again, in its place; the same invocation goes on."""
    if server.name == "galaxy":
        pytest.skip("a Galaxy does not schedule steps that read a collection which a failed job left empty")
    workflow = imported(alice)
    inputs = given(alice, history, tmp_path, by=3)
    good = inputs["split.py"]
    inputs["split.py"] = uploaded(alice, history, tmp_path, "split.py", "raise ValueError('on purpose')\n")
    asked = alice.workflows.invoke_workflow(
        workflow["id"], inputs=inputs, inputs_by="name", history_id=history
    )
    failed = jobs_of(alice, asked["id"])["split"]["id"]
    form = json.loads(json.dumps(alice.jobs._build_for_rerun(failed)["state_inputs"]))
    assert form["select_file"]["id"] == inputs["split.py"]["id"]
    again = alice.jobs.rerun_job(failed, remap=True, tool_inputs_update={"select_file": good})
    end = time.monotonic() + 120
    while (found := jobs_of(alice, asked["id"]))["mean"]["state"] != "ok":
        assert time.monotonic() < end
        time.sleep(0.2)
    assert found["split"]["id"] == again["jobs"][0]["id"]


def test_refused_workflows(server: Server, alice: GalaxyInstance, bob: GalaxyInstance, history: str) -> None:
    if server.name == "galaxy":
        pytest.skip("a Galaxy has its own words for what it refuses")
    workflow = imported(alice)
    for user, words in ((alice, "are not given"), (bob, "no such workflow")):
        with pytest.raises(Exception, match=words):
            user.workflows.invoke_workflow(workflow["id"], inputs={}, history_name="x")
    assert "x" not in [one["name"] for one in alice.histories.get_histories()]
    for document, words in (
        ({"a_galaxy_workflow": "true", "steps": {}}, "native format"),
        ({"class": "GalaxyWorkflow", "inputs": {}, "steps": {"s": {"tool_id": "cat1"}}}, "runs 'cat1'"),
        ({"class": "GalaxyWorkflow", "inputs": {}, "steps": {}}, "no workflow of format 2"),
        (
            {
                "class": "GalaxyWorkflow",
                "inputs": {},
                "steps": {"s": {"tool_id": "run_jupyter_job", "in": {"select_file": "x"}}},
            },
            "no step and no input",
        ),
        ({"yaml_content": "a: ["}, "no YAML"),
    ):
        with pytest.raises(Exception, match=words):
            alice.workflows.import_workflow_dict(document)
    alice.workflows.delete_workflow(workflow["id"])
    assert workflow["id"] not in [one["id"] for one in alice.workflows.get_workflows()]
