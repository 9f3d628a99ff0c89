"""What was run, as a Workflow Run RO-Crate: code, inputs by hash, parameters, environment, resources."""

from __future__ import annotations

import io
import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from blake3 import blake3
from gxformat2.lint import lint_format2
from gxformat2.linting import LintContext
from tests.integration.jobs.harness import Server, User

TRAIN = (
    "import os\nos.mkdir('outputs')\n"
    "open('outputs/model.txt', 'w').write(open('data/x.txt').read() * epochs)\n"
)
PREDICT = "print(open('model.txt').read())\n"


class Crate:
    """An exported crate, looked into."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.archive = zipfile.ZipFile(io.BytesIO(content))
        graph = json.loads(self.archive.read("ro-crate-metadata.json"))["@graph"]
        self.entities: dict[str, dict[str, Any]] = {one["@id"]: one for one in graph}

    def of(self, references: Any) -> list[dict[str, Any]]:
        listed = references if isinstance(references, list) else [references]
        return [self.entities[one["@id"]] for one in listed]

    def action(self, name: str) -> dict[str, Any]:
        (found,) = [
            one for one in self.entities.values() if one["@type"] == "CreateAction" and one["name"] == name
        ]
        return found


def download(user: User, history: str) -> bytes:
    asked = user.post(
        f"/api/histories/{history}/prepare_store_download", {"model_store_format": "rocrate.zip"}
    )
    return user.fetch(f"/api/short_term_storage/{asked['storage_request_id']}")


@pytest.fixture(scope="module")
def exported(server: Server) -> tuple[User, str, Crate]:
    """Two jobs, the second with what the first made, and one that fails; their history as a crate."""
    user = User(server, "ada")
    history = user.history("Two steps")
    data = user.dataset(history, "hello ", "x.txt", "txt")
    first = user.wait(
        user.run(
            history,
            TRAIN,
            "train.py",
            inputs=[{"path": "data/x.txt", "src": "hda", "id": data}],
            parameters={"epochs": 3},
            memory="256M",
            name="training",
        )
    )
    (model,) = user.collection(first, "files")["elements"]
    given = [{"path": "model.txt", "src": "hda", "id": model["object"]["id"]}]
    second = user.wait(user.run(history, PREDICT, "predict.py", inputs=given, name="prediction"))
    third = user.wait(user.run(history, "raise ValueError('no such patient')\n", "broken.py", name="broken"))
    assert [one["state"] for one in (first, second, third)] == ["ok", "ok", "error"]
    return user, history, Crate(download(user, history))


def test_it_says_which_profiles_it_follows(exported: tuple[User, str, Crate]) -> None:
    crate = exported[2]
    root = crate.entities["./"]
    assert {one["name"] for one in crate.of(root["conformsTo"])} == {
        "Process Run Crate",
        "Workflow Run Crate",
        "Workflow RO-Crate",
    }
    (main,) = crate.of(root["mainEntity"])
    assert "ComputationalWorkflow" in main["@type"]


def test_its_workflow_is_what_was_run(exported: tuple[User, str, Crate]) -> None:
    workflow = yaml.safe_load(exported[2].archive.read("workflow.gxwf.yml"))
    context = LintContext()
    lint_format2(context, workflow)
    assert (context.error_messages, context.warn_messages) == ([], [])
    assert set(workflow["inputs"]) == {"train.py", "x.txt", "predict.py", "broken.py"}
    steps = workflow["steps"]
    assert list(steps) == ["training", "model.txt of training", "prediction", "broken"]
    assert steps["model.txt of training"]["in"]["input"]["source"] == "training/files"
    assert steps["prediction"]["in"]["inputs_0|dataset"]["source"] == "model.txt of training/output"


def test_a_job_is_an_action_with_its_provenance(exported: tuple[User, str, Crate]) -> None:
    crate = exported[2]
    action = crate.action("training")
    (code,) = crate.of(action["instrument"])
    assert code["name"] == "train.py"
    assert crate.archive.read(code["@id"]).decode() == TRAIN
    (environment,) = crate.of(code["softwareRequirements"])
    assert "runner-double==1.0" in crate.archive.read(environment["@id"]).decode()
    given = {one["name"]: one for one in crate.of(action["object"])}
    assert given["x.txt"]["identifier"] == f"blake3:{blake3(b'hello ').hexdigest()}"
    assert given["epochs"]["value"] == 3
    assert action["startTime"] <= action["endTime"]
    assert action["actionStatus"].endswith("CompletedActionStatus")
    usage = {one["propertyID"].rpartition("/")[2]: one["value"] for one in crate.of(action["resourceUsage"])}
    assert usage["granted_memory"] == 256 * 2**20
    assert usage["runtime_seconds"] > 0
    assert "report" in " ".join(one["name"].lower() for one in crate.of(action["result"]))


def test_one_job_feeds_the_next(exported: tuple[User, str, Crate]) -> None:
    crate = exported[2]
    made = {one["@id"] for one in crate.of(crate.action("training")["result"])}
    members = {m["@id"] for one in made for m in crate.of(crate.entities[one].get("hasPart", []))}
    read = {one["@id"] for one in crate.of(crate.action("prediction")["object"])}
    assert read & (made | members)


def test_a_failed_job_says_why(exported: tuple[User, str, Crate]) -> None:
    action = exported[2].action("broken")
    assert action["actionStatus"].endswith("FailedActionStatus")
    assert "no such patient" in action["error"]


def test_it_comes_back_with_its_jobs(exported: tuple[User, str, Crate]) -> None:
    user, history, crate = exported
    again = user.import_history(crate.content)
    before, after = (
        {job["name"]: job for job in user.get("/api/jobs", history_id=one)} for one in (history, again)
    )
    assert set(after) >= {"training", "prediction", "broken"}
    for name in ("training", "prediction", "broken"):
        old, new = (user.get(f"/api/jobs/{one[name]['id']}", full=True) for one in (before, after))
        assert new["history_id"] == again
        assert (new["state"], new["exit_code"]) == (old["state"], old["exit_code"])
        for field in ("resources", "metrics", "error", "started", "ended", "network", "time_limit"):
            assert new["perijove"][field] == old["perijove"][field], field
        assert set(new["inputs"]) == set(old["inputs"])
        assert set(new["outputs"]) == set(old["outputs"])
    second = Crate(download(user, again))
    assert second.action("training")["startTime"] == crate.action("training")["startTime"]


def test_an_imported_job_runs_again(exported: tuple[User, str, Crate]) -> None:
    user, _, crate = exported
    again = user.import_history(crate.content)
    job = next(one for one in user.get("/api/jobs", history_id=again) if one["name"] == "training")
    form = user.get(f"/api/jobs/{job['id']}/build_for_rerun")
    answer = user.submit(again, form["state_inputs"])
    rerun = user.wait(answer["jobs"][0]["id"])
    assert rerun["state"] == "ok"
    (model,) = user.collection(rerun, "files")["elements"]
    assert user.download(model["object"]["id"]) == b"hello hello hello "


@pytest.mark.skipif(
    "PERIJOVE_TEST_ROCRATE_VALIDATOR" not in os.environ,
    reason="name the program rocrate-validator in PERIJOVE_TEST_ROCRATE_VALIDATOR",
)
@pytest.mark.parametrize("profile", ["process-run-crate-0.5", "workflow-run-crate-0.5"])
def test_the_validator_finds_no_fault(
    exported: tuple[User, str, Crate], profile: str, tmp_path: Path
) -> None:
    folder = tmp_path / "crate"
    exported[2].archive.extractall(folder)
    program = os.environ["PERIJOVE_TEST_ROCRATE_VALIDATOR"]
    options = ["validate", str(folder), "-p", profile, "--no-paging"]
    ended = subprocess.run([program, "-y", *options], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]
