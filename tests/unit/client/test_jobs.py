"""Jobs: sent once whatever happens, waited for, come back to."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from perijove_lab.client.api import job, jobs, put, run_script_job, submit
from perijove_lab.client.connection import Connection
from perijove_lab.client.errors import (
    AwayError,
    InputError,
    JobFailedError,
    MissingError,
    RefusedError,
    StillRunningError,
    StoppedWaiting,
)

NOTEBOOK = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}


@pytest.fixture
def history(galaxy: Any, connection: Connection) -> str:
    Path("train.ipynb").write_text(json.dumps(NOTEBOOK))
    Path("data").mkdir()
    Path("data/ct.h5").write_bytes(b"voxels")
    return str(galaxy.add_history("work")["id"])


def sent(galaxy: Any) -> dict[str, Any]:
    assert len(galaxy.ran) == 1
    return dict(galaxy.ran[0]["inputs"])


class TestSubmit:
    def test_notebook_goes_as_it_is(self, galaxy: Any, history: str) -> None:
        made = submit("train.ipynb")
        code = sent(galaxy)["select_file"]["id"]
        assert galaxy.content[code] == Path("train.ipynb").read_bytes()
        assert galaxy.entries[code]["name"] == "train.ipynb"
        assert galaxy.ran[0]["history_id"] == history
        assert made.id in galaxy.jobs

    def test_everything_is_passed_on(self, galaxy: Any, history: str) -> None:
        submit(
            "train.ipynb",
            ["data/ct.h5"],
            {"epochs": 3, "rate": 0.1},
            {"cpus": 2, "memory": "4G", "gpus": 1},
            network="none",
            time_limit=60,
            name="my training",
            kernel="python3",
        )
        inputs = sent(galaxy)
        assert [one["path"] for one in inputs["inputs"]] == ["data/ct.h5"]
        assert galaxy.content[inputs["inputs"][0]["id"]] == b"voxels"
        assert inputs["parameters"] == {"epochs": 3, "rate": 0.1}
        assert (inputs["cpus"], inputs["memory"], inputs["gpus"]) == (2, "4G", 1)
        assert (inputs["network"], inputs["time_limit"], inputs["name"]) == ("none", 60, "my training")

    def test_inputs_from_elsewhere(self, galaxy: Any, history: str, tmp_path: Path) -> None:
        (tmp_path / "far.h5").write_bytes(b"far")
        numbered = galaxy.add_dataset(history, "given", b"given")
        Path("x.csv").write_text("1")
        own = put("x.csv")
        submit(
            "train.ipynb", {"data/a.h5": tmp_path / "far.h5", "data/b.h5": numbered["hid"], "data/c.csv": own}
        )
        found = {one["path"]: galaxy.content[one["id"]] for one in sent(galaxy)["inputs"]}
        assert found == {"data/a.h5": b"far", "data/b.h5": b"given", "data/c.csv": b"1"}

    def test_a_folder_stands_for_its_files(self, galaxy: Any, history: str) -> None:
        Path("data/deep").mkdir()
        Path("data/deep/x").write_text("x")
        submit("train.ipynb", "data")
        assert [one["path"] for one in sent(galaxy)["inputs"]] == ["data/ct.h5", "data/deep/x"]

    @pytest.mark.parametrize("path", ["/etc/hostname", "../train.ipynb", "data/../../x"])
    def test_a_path_that_cannot_be_staged_is_refused_before_anything_is_sent(
        self, galaxy: Any, history: str, path: str
    ) -> None:
        with pytest.raises(InputError, match=r"folder|no file"):
            submit("train.ipynb", {path: "data/ct.h5"})
        assert galaxy.ran == []
        assert galaxy.content == {}

    @pytest.mark.parametrize(
        ("asked", "why"),
        [
            ({"inputs": ["absent.h5"]}, "no file"),
            ({"inputs": 5}, "list of paths"),
            ({"inputs": [5]}, "no path"),
            ({"inputs": {"a": 1.5}}, "neither a file"),
            ({"parameters": {"not a name": 1}}, "not a name"),
            ({"parameters": {"x": object()}}, "plain data"),
            ({"resources": {"ram": 1}}, "no resource"),
            ({"resources": {"cpus": 1}, "flavor": "small"}, "not both"),
        ],
    )
    def test_what_cannot_be_done_is_refused_at_once(
        self, galaxy: Any, history: str, asked: dict[str, Any], why: str
    ) -> None:
        with pytest.raises(InputError, match=why):
            submit("train.ipynb", **asked)
        assert galaxy.ran == []

    def test_absent_and_empty_notebooks(self, history: str) -> None:
        Path("empty.ipynb").touch()
        for name in ("absent.ipynb", "empty.ipynb"):
            with pytest.raises(InputError, match=name):
                submit(name)

    def test_numbers_of_numpy_travel(self, galaxy: Any, history: str) -> None:
        numpy = pytest.importorskip("numpy")
        submit("train.ipynb", parameters={"n": numpy.int64(3), "r": numpy.float32(0.5), "a": numpy.arange(2)})
        assert sent(galaxy)["parameters"] == {"n": 3, "r": 0.5, "a": [0, 1]}

    def test_a_flavor_may_stand_for_resources(self, galaxy: Any, history: str) -> None:
        submit("train.ipynb", resources="gpu-large")
        assert sent(galaxy)["flavor"] == "gpu-large"

    def test_history_by_name_is_found_or_made(self, galaxy: Any, history: str) -> None:
        submit("train.ipynb", history="new one")
        made = galaxy.ran[0]["history_id"]
        assert galaxy.histories[made]["name"] == "new one"
        submit("train.ipynb", history="new one", parameters={"again": 1})
        assert galaxy.ran[1]["history_id"] == made

    def test_the_same_file_is_not_uploaded_twice(self, galaxy: Any, history: str) -> None:
        submit("train.ipynb", ["data/ct.h5"])
        before = len(galaxy.content)
        submit("train.ipynb", ["data/ct.h5"])
        assert len(galaxy.ran) == 2
        assert len(galaxy.content) == before
        Path("data/ct.h5").write_bytes(b"other")
        submit("train.ipynb", ["data/ct.h5"])
        assert len(galaxy.content) == before + 1

    def test_a_deleted_upload_is_sent_again(self, galaxy: Any, history: str) -> None:
        submit("train.ipynb")
        galaxy.entries[sent(galaxy)["select_file"]["id"]]["deleted"] = True
        submit("train.ipynb")
        first, second = (one["inputs"]["select_file"]["id"] for one in galaxy.ran)
        assert first != second

    def test_the_same_submission_twice_on_purpose_is_two_jobs(self, galaxy: Any, history: str) -> None:
        assert submit("train.ipynb").id != submit("train.ipynb").id


class TestBrokenNetwork:
    def lose_answers(self, galaxy: Any, path: str, times: int) -> None:
        """The server does what is asked, but the answer never arrives."""
        lost: list[str] = []
        act = type(galaxy).answer

        def answer(method: str, asked: str, query: Any, body: Any) -> Any:
            found = act(galaxy, method, asked, query, body)
            if method == "POST" and asked == path and len(lost) < times:
                lost.append(asked)
                return 502, {"err_msg": ""}
            return found

        galaxy.answer = answer

    def test_a_lost_answer_makes_no_second_job(self, galaxy: Any, history: str) -> None:
        self.lose_answers(galaxy, "/api/tools", 1)
        made = submit("train.ipynb")
        assert list(galaxy.jobs) == [made.id]

    def test_the_cell_run_again_finds_the_job(self, galaxy: Any, history: str) -> None:
        self.lose_answers(galaxy, "/api/tools", 4)
        with pytest.raises(AwayError):
            submit("train.ipynb", history="fresh")
        made = submit("train.ipynb", history="fresh")
        assert list(galaxy.jobs) == [made.id]
        assert [one["name"] for one in galaxy.histories.values()] == ["work", "fresh"]
        assert len(galaxy.content) == 1

    def test_on_a_galaxy_without_submission_ids_too(self, galaxy: Any, history: str) -> None:
        galaxy.perijove = False
        self.lose_answers(galaxy, "/api/tools", 1)
        with pytest.raises(AwayError):
            submit("train.ipynb")
        made = submit("train.ipynb")
        assert list(galaxy.jobs) == [made.id]

    def test_a_lost_answer_makes_no_second_history(self, galaxy: Any, history: str) -> None:
        self.lose_answers(galaxy, "/api/histories", 1)
        for _ in range(2):
            try:
                run_script_job("train.ipynb", ["data/ct.h5"], new_history_name="ml")
            except AwayError:
                continue
        assert [one["name"] for one in galaxy.histories.values()] == ["work", "ml"]

    def test_a_refusal_is_not_repeated(self, galaxy: Any, history: str) -> None:
        said = b'{"err_msg": "No flavor of that name.", "advice": "Flavors: small."}'
        galaxy.fault = lambda method, path: (400, said) if path == "/api/tools" else None
        with pytest.raises(RefusedError, match="No flavor"):
            submit("train.ipynb", flavor="huge")
        assert [one for one in galaxy.requests if one == ("POST", "/api/tools")] == [("POST", "/api/tools")]


class TestRealGalaxy:
    def test_inputs_go_as_the_original_sends_them(self, galaxy: Any, history: str) -> None:
        galaxy.perijove = False
        submit("train.ipynb", ["data/ct.h5"])
        inputs = sent(galaxy)
        assert inputs["ml_h5_dataset_paths"] == "data/ct.h5"
        assert [galaxy.content[one["id"]] for one in inputs["ml_h5_datasets"]] == [b"voxels"]
        assert set(inputs) == {"select_file", "ml_h5_dataset_paths", "ml_h5_datasets"}

    def test_what_the_tool_does_not_take_is_refused(self, galaxy: Any, history: str) -> None:
        galaxy.perijove = False
        with pytest.raises(InputError, match="does not take parameters"):
            submit("train.ipynb", parameters={"epochs": 3})
        assert galaxy.ran == []


class TestRunScriptJob:
    def test_as_the_original(
        self, galaxy: Any, history: str, connection: Connection, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from bioblend.galaxy.jobs import JobsClient

        found = run_script_job(
            "train.ipynb", ["data/ct.h5"], connection.url, "secret-key", "ml", "run_jupyter_job"
        )
        assert set(found) == {"job_client", "e_job"}
        assert isinstance(found["job_client"], JobsClient)
        assert found["job_client"].get_state(found["e_job"]["jobs"][0]["id"]) == "ok"
        assert capsys.readouterr().out.splitlines() == [
            "Data file uploaded",
            "Uploaded code",
            "Executed code",
        ]
        body = galaxy.ran[0]
        assert galaxy.histories[body["history_id"]]["name"] == "ml"
        assert body["inputs"]["ml_h5_dataset_paths"] == "data/ct.h5"
        assert [one["src"] for one in body["inputs"]["ml_h5_datasets"]] == ["hda"]
        assert galaxy.content[body["inputs"]["select_file"]["id"]] == Path("train.ipynb").read_bytes()

    def test_without_data(self, galaxy: Any, history: str) -> None:
        run_script_job("train.ipynb")
        inputs = galaxy.ran[0]["inputs"]
        assert (inputs["ml_h5_dataset_paths"], inputs["ml_h5_datasets"]) == (None, None)

    def test_each_call_makes_its_own_history(self, galaxy: Any, history: str) -> None:
        for _ in range(2):
            run_script_job("train.ipynb", new_history_name="ml")
        assert [one["name"] for one in galaxy.histories.values()] == ["work", "ml", "ml"]

    def test_a_failure_is_told_not_raised(
        self, galaxy: Any, history: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        galaxy.script = [{"state": "error", "tool_stderr": "ValueError: no"}]
        run_script_job("train.ipynb")
        assert "An error occurred" in capsys.readouterr().out


class TestJob:
    def test_waiting_shows_place_reason_and_progress(
        self, galaxy: Any, history: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        made = submit("train.ipynb")
        galaxy.script = [
            {"state": "queued", "perijove": {"position": 2, "reason": "both GPUs are taken"}},
            {"state": "running", "perijove": {"progress": {"percent": 40, "epoch": 2, "epochs": 5}}},
            {"state": "ok"},
        ]
        assert made.wait() is made
        assert "done" in capsys.readouterr().err

    def test_progress(self, galaxy: Any, history: str) -> None:
        made = submit("train.ipynb")
        shown = {"percent": 40.0, "epoch": 2, "epochs": 5, "metrics": {"loss": 0.25}, "eta": 30}
        galaxy.script = [{"state": "running", "perijove": {"progress": shown}}]
        assert made.progress == shown
        assert "epoch 2 of 5, loss 0.25, 30 s left" in made._repr_html_()

    def test_a_failed_job_says_where_and_why(self, galaxy: Any, history: str) -> None:
        error = {"type": "ValueError", "message": "no such patient", "advice": "Look at cell 4.", "cell": 3}
        galaxy.script = [{"state": "error", "perijove": {"error": error}}]
        with pytest.raises(JobFailedError, match="in cell 4: ValueError: no such patient") as failed:
            submit("train.ipynb").wait()
        assert "Look at cell 4." in failed.value.advice

    def test_check_false_does_not_raise(self, galaxy: Any, history: str) -> None:
        galaxy.script = [{"state": "error"}]
        assert submit("train.ipynb").wait(check=False).state == "error"

    def test_timeout(self, galaxy: Any, history: str) -> None:
        galaxy.script = [{"state": "running"}]
        with pytest.raises(StillRunningError, match="not ready yet"):
            submit("train.ipynb").wait(timeout=0.05)

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # see watch._Heed
    def test_ctrl_c_leaves_the_job_alone(self, galaxy: Any, history: str) -> None:
        galaxy.script = [{"state": "running"}]
        made = submit("train.ipynb")
        main = threading.main_thread().ident
        assert main is not None
        timer = threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT))
        timer.start()
        with pytest.raises(StoppedWaiting, match="The job goes on") as stopped:
            made.wait()
        timer.join()
        assert isinstance(stopped.value, KeyboardInterrupt)
        assert f"job('{made.id}')" in stopped.value.advice
        assert not [one for one in galaxy.requests if one[0] == "DELETE"]

    def test_an_absent_server_is_waited_for(self, galaxy: Any, history: str) -> None:
        made = submit("train.ipynb")
        galaxy.script = [{"state": "running"}, {"state": "ok"}]
        before = len(galaxy.requests)
        galaxy.fault = lambda *_: (503, b"") if len(galaxy.requests) < before + 3 else None
        assert made.wait().state == "ok"

    def test_cancel_is_harmless_twice(self, galaxy: Any, history: str) -> None:
        galaxy.script = [{"state": "running"}]
        made = submit("train.ipynb")
        assert made.cancel().state == "deleted"
        assert made.cancel().state == "deleted"
        assert [one[0] for one in galaxy.requests].count("DELETE") == 1
        with pytest.raises(JobFailedError, match="cancelled"):
            made.wait()

    def test_without_news_the_job_is_looked_at(
        self, galaxy: Any, history: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        galaxy.perijove = False
        made = submit("train.ipynb")
        galaxy.script = [{"state": "queued"}, {"state": "running"}, {"state": "running"}, {"state": "ok"}]
        assert made.wait().state == "ok"

    def test_only_ones_own_jobs_are_listed(self, galaxy: Any, history: str) -> None:
        submit("train.ipynb")
        jobs()
        assert galaxy.job_queries[-1]["user_id"] == ["u" * 16]

    def test_log(self, galaxy: Any, history: str) -> None:
        galaxy.script = [{"state": "ok", "tool_stdout": "1\n2\n3\n", "tool_stderr": "warned\n"}]
        made = submit("train.ipynb")
        assert made.log() == "1\n2\n3\nwarned"
        assert made.log(tail=2) == "3\nwarned"

    def test_come_back(self, galaxy: Any, history: str) -> None:
        first, second = submit("train.ipynb"), submit("train.ipynb")
        assert job(first.id).id == first.id
        assert job().id == second.id
        assert [one.id for one in jobs()] == [second.id, first.id]
        assert second.id in jobs()._repr_html_()

    def test_no_jobs_yet(self, history: str) -> None:
        assert jobs() == []
        with pytest.raises(MissingError, match="no jobs"):
            job()
        with pytest.raises(MissingError):
            job("f" * 16)

    def test_outputs_by_role(self, galaxy: Any, history: str) -> None:
        notebook = galaxy.add_dataset(history, "executed notebook", b"{}", "ipynb")
        model = galaxy.add_dataset(history, "unet.onnx", b"onnx", "onnx")
        models = galaxy.add_collection(history, "models", [("unet.onnx", model["id"])])
        galaxy.script = [
            {
                "state": "ok",
                "outputs": {"executed_notebook": {"id": notebook["id"], "src": "hda"}},
                "output_collections": {"models": {"id": models["id"], "src": "hdca"}},
            }
        ]
        found = submit("train.ipynb").wait().outputs()
        assert found.notebook.get().read_bytes() == b"{}"
        assert (found.models.download() / "unet.onnx").read_bytes() == b"onnx"
        assert set(found) == {"executed_notebook", "models"}
        with pytest.raises(MissingError, match="no arrays"):
            _ = found.arrays
        with pytest.raises(InputError, match=r"unet\.onnx"):
            found.model("other")
