"""A job's code owns `work` and `out`: whatever it leaves there harms nobody, and is told."""

from __future__ import annotations

import json
import os

import pytest
from tests.integration.jobs.harness import Server, User

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs accounts of their own: run as root")


def entry(file: str, **more: object) -> dict[str, object]:
    return {
        "name": file,
        "file": file,
        "ext": "txt",
        "role": "file",
        "collection": "outputs",
        "element": file,
        **more,
    }


def run(ada: User, history: str, code: str, *entries: dict[str, object]) -> dict:
    return ada.wait(ada.run(history, f"{code}\nEXTRA_OUTPUTS = {list(entries)!r}"), seconds=90)


def identifiers(ada: User, job: dict) -> list[str]:
    return [one["element_identifier"] for one in ada.collection(job, "files")["elements"]]


def left_out(ada: User, job: dict) -> str:
    return "\n".join(json.loads(ada.download(job["outputs"]["report"]["id"]))["left_out"])


def test_links_are_no_outputs(server: Server, ada: User, history: str):
    secret = server.home / "state" / "histories.sqlite"
    code = f"""
import os
os.mkdir("outputs")
os.symlink({str(secret)!r}, "outputs/db")
os.symlink("/etc", "outputs/etc")
os.symlink("/etc/passwd", "/job/out/passwd")
open("outputs/fine.txt", "w").write("x")
"""
    job = run(
        ada, history, code, entry("work/outputs/db"), entry("passwd"), entry("work/outputs/etc/hostname")
    )
    assert job["state"] == "ok"
    assert identifiers(ada, job) == ["fine.txt"]
    assert "work/outputs/db" in left_out(ada, job)
    assert "passwd" in left_out(ada, job)
    assert "etc/hostname" in left_out(ada, job)


@pytest.mark.parametrize(
    "file", ["../../state/histories.sqlite", "/etc/passwd", "work/x", "a\0b", "x" * 5000]
)
def test_a_manifest_that_points_elsewhere_is_not_believed(ada: User, history: str, file: str):
    job = run(
        ada, history, "import os\nos.mkdir('outputs')\nopen('outputs/a.txt', 'w').write('x')", entry(file)
    )
    assert job["state"] == "error"
    assert "What the job reported is not valid" in job["perijove"]["error"]["message"]
    assert ada.output(job, "executed_notebook")["state"] == "ok"
    assert identifiers(ada, job) == ["a.txt"]


@pytest.mark.parametrize(
    "manifest",
    [
        "not json",
        "[]",
        '{"version": 2}',
        '{"version": 1, "state": "splendid"}',
        "[" * 100_000,
        '{"version": 1, "state": "ok", "outputs": [{"name": "", "file": "x"}]}',
        '{"version": 1, "state": "ok", "outputs": [{"name": "x", "file": "x", "ext": "../sh"}]}',
        '{"version": 1, "state": "ok", "outputs": [{"name": "x", "file": "x", "role": "king"}]}',
    ],
)
def test_a_manifest_that_is_none(ada: User, history: str, manifest: str):
    job = ada.wait(ada.run(history, f"RAW_MANIFEST = {manifest!r}"))
    assert job["state"] == "error"
    assert "not valid" in job["perijove"]["error"]["message"]
    assert ada.output(job, "executed_notebook")["state"] == "ok"


def test_pipes_devices_and_directories_are_no_outputs(ada: User, history: str):
    code = """
import os
os.mkdir("outputs")
os.mkfifo("outputs/pipe")
os.mkdir("/job/out/dir")
os.mkfifo("/job/out/p")
"""
    job = run(ada, history, code, entry("work/outputs/pipe"), entry("dir"), entry("p"), entry("missing"))
    assert job["state"] == "ok"
    assert identifiers(ada, job) == []
    assert left_out(ada, job).count("\n") == 3


def test_odd_names_are_kept_or_told_and_break_nothing(ada: User, history: str):
    code = """
import os
os.mkdir("outputs")
for name in ("ä ö.txt", "-rf", "a'b", 'q"uote', "<script>", "x" * 200):
    open(os.path.join("outputs", name), "w").write("x")
open(b"outputs/\\xff", "w").write("x")
"""
    job = run(ada, history, code)
    assert job["state"] == "ok"
    assert {"ä ö.txt", "-rf", "a'b", 'q"uote', "<script>", "x" * 200} == set(identifiers(ada, job))
    assert "1 files whose names are not UTF-8" in left_out(ada, job)


def test_unreadable_files_are_the_users_own_fault_and_still_outputs(ada: User, history: str):
    code = """
import os
os.makedirs("outputs/deep")
open("outputs/deep/a.txt", "w").write("x")
os.chmod("outputs/deep/a.txt", 0)
"""
    job = run(ada, history, code)
    assert job["state"] == "ok"
    assert identifiers(ada, job) == ["deep/a.txt"]


def test_progress_that_is_no_progress(ada: User, history: str):
    code = """
import json
lines = ['nonsense', '[1]', '{"percent": "many"}', '{"percent": NaN}', '{"epoch": 3, "evil": 1}',
         json.dumps({"metrics": {"loss": 0.5}}), json.dumps({"metrics": {"x": []}}),
         json.dumps({"message": "y" * 9999})]
open("/job/out/progress.jsonl", "w").write("\\n".join(lines))
"""
    job = ada.wait(ada.run(history, code))
    assert job["state"] == "ok"
    assert job["perijove"]["progress"] == {"epoch": 3, "metrics": {"loss": 0.5}}


def test_the_same_identifier_twice_gets_a_number(ada: User, history: str):
    code = "open('/job/out/a', 'w').write('1'); open('/job/out/b', 'w').write('2')"
    job = run(ada, history, code, entry("a", element="same"), entry("b", element="same"))
    assert identifiers(ada, job) == ["same", "same (2)"]
