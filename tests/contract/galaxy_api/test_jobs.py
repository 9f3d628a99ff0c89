"""`submit`, `run_script_job` and what comes back: the same call, the same answer, whatever server runs it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from bioblend.galaxy import GalaxyInstance
from tests.contract.galaxy_api.conftest import Server

from perijove_lab import get, job, jobs, load_arrays, put, submit
from perijove_lab.client.connection import Connection
from perijove_lab.client.datasets import contents, current_history
from perijove_lab.client.errors import InputError, JobFailedError, LabError, MissingError, StillRunningError

pytestmark = pytest.mark.timeout(900)
Write = Callable[..., str]

TRAIN = (
    "factor = 1",
    "%%bash\ntest -f data/numbers.csv && echo staged",
    "from pathlib import Path\n"
    "import numpy as np\n"
    "numbers = np.loadtxt('data/numbers.csv')\n"
    "scaled = factor * numbers\n"
    "Path('outputs/sub').mkdir(parents=True)\n"
    "Path('outputs/sub/total.txt').write_text(str(scaled.sum()))\n"
    "print('sum', scaled.sum())",
)


@pytest.fixture
def train(write_notebook: Write) -> str:
    Path("data").mkdir()
    Path("data/numbers.csv").write_text("1\n2\n3\n")
    return write_notebook("train.ipynb", *TRAIN)


def test_there_and_back(train: str, connection: Connection, history: str) -> None:
    training = submit(train, ["data/numbers.csv"], {"factor": 3}, name="scaling").wait(600)
    assert training.state == "ok"
    assert "staged" in training.outputs().notebook.get().read_text()
    made = training.outputs()
    assert list(load_arrays(made.arrays)["scaled"]) == [3.0, 6.0, 9.0]
    assert (made.files.get() / "sub" / "total.txt").read_text() == "18.0"
    assert json.loads(made.report.get().read_text())["state"] == "ok"
    names = [one.name for one in contents(connection, history)]
    assert {"numbers.csv", "train.ipynb"} <= {Path(name).name for name in names}
    assert any("scaling" in name for name in names)
    assert job().id == training.id
    assert training.id in [one.id for one in jobs()]


def test_inputs_of_the_history(train: str, lab: Path) -> None:
    """A number, a dataset and a local file, each under the path that the code names."""
    Path("elsewhere.csv").write_text("5\n6\n")
    there = put("elsewhere.csv")
    for source in (there.hid, there, Path("elsewhere.csv")):
        arrays = submit(train, {"data/numbers.csv": source}).wait(600).outputs().arrays
        assert list(load_arrays(arrays)["scaled"]) == [5.0, 6.0]


def test_a_script(lab: Path) -> None:
    Path("count.py").write_text("import numpy as np\nsquares = np.arange(n) ** 2\nprint('made', squares)\n")
    done = submit("count.py", parameters={"n": 4}).wait(600)
    assert list(load_arrays(done.outputs().arrays)["squares"]) == [0, 1, 4, 9]


def test_what_failed_tells_where_and_leaves_what_there_is(write_notebook: Write) -> None:
    name = write_notebook(
        "fails.ipynb",
        "x = 1",
        "import numpy as np\nkept = np.ones(3)\n"
        "from pathlib import Path\nPath('outputs').mkdir()\nPath('outputs/a.txt').write_text('so far')",
        "raise ValueError('no such patient')",
    )
    failing = submit(name)
    with pytest.raises(JobFailedError, match=r"in cell 3.*ValueError: no such patient"):
        failing.wait(600)
    assert failing.state == "error"
    assert "no such patient" in failing.outputs().notebook.get().read_text()
    assert list(load_arrays(failing.outputs().arrays)["kept"]) == [1, 1, 1]
    assert (failing.outputs().files.get() / "a.txt").read_text() == "so far"


def test_progress_cancel_and_come_back(write_notebook: Write, server: Server) -> None:
    endless = submit(
        write_notebook("endless.ipynb", "x = 1", "print('begun')", "import time\ntime.sleep(3600)"),
        name="endless",
    )
    deadline = time.monotonic() + 120
    while endless.progress.get("cell") != 2 and time.monotonic() < deadline:
        time.sleep(0.5)
    assert endless.state == "running"
    assert (endless.progress["cell"], endless.progress["cells"]) == (2, 3)
    with pytest.raises(StillRunningError, match="not ready yet"):
        endless.wait(1)
    later = job(endless.id)
    later.cancel()
    with pytest.raises(JobFailedError, match="cancelled"):
        later.wait(120)
    assert later.cancel().state == "deleted"
    with pytest.raises((MissingError, LabError)):
        job(endless.id, key=server.keys["bob"]).cancel()


def test_a_job_without_an_input_is_refused_and_leaves_nothing(
    write_notebook: Write, connection: Connection, history: str
) -> None:
    name = write_notebook("x.ipynb", "x = 1")
    before = [one.id for one in jobs()]
    for inputs in (["data/missing.h5"], ["../x.ipynb"], {"/etc/x": name}, {"data/x.h5": 4711}):
        with pytest.raises((InputError, MissingError)):
            submit(name, inputs)
    assert [one.id for one in jobs()] == before


def test_a_new_history_by_name(write_notebook: Write, alice: GalaxyInstance) -> None:
    name = f"trainings {time.time_ns()}"
    first = submit(write_notebook("x.ipynb", "x = 1"), history=name).wait(600)
    made = alice.histories.get_histories(name=name)
    assert [one["id"] for one in made] == [first.details["history_id"]]


def test_a_collection_as_input_is_told_apart(lab: Path, write_notebook: Write) -> None:
    """A list collection's elements stand under the path as a folder's files do."""
    Path("slices").mkdir()
    for number in range(2):
        Path(f"slices/{number}.txt").write_text(str(number))
    code = "from pathlib import Path\nprint(sorted(str(p) for p in Path('slices').rglob('*.txt')))"
    done = submit(write_notebook("list.ipynb", "x = 1", code), ["slices"]).wait(600)
    assert "'slices/0.txt', 'slices/1.txt'" in done.outputs().notebook.get().read_text()


def test_trying_again_sends_nothing_twice(
    train: str, connection: Connection, history: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to the tool's call is lost; the same cell again finds the job that was made."""
    import requests

    real, lost = requests.Session.send, []

    def losing(self: requests.Session, request: requests.PreparedRequest, **options: object) -> object:
        answer = real(self, request, **options)  # type: ignore[arg-type]
        if request.method == "POST" and str(request.url).split("?")[0].endswith("/api/tools"):
            lost.append(request.url)
            raise requests.ConnectionError("the answer got lost")
        return answer

    with monkeypatch.context() as broken:
        broken.setattr(requests.Session, "send", losing)
        broken.setattr("perijove_lab.client.connection.FIRST_PAUSE", 0.01)
        with pytest.raises(LabError):
            submit(train, ["data/numbers.csv"])
    assert lost
    done = submit(train, ["data/numbers.csv"]).wait(600)
    assert done.state == "ok"
    mine = connection.gi.jobs.get_jobs(history_id=history, tool_id="run_jupyter_job")
    assert [one["id"] for one in mine] == [done.id]
    assert [one.name for one in contents(connection, history)].count("numbers.csv") <= 1


def test_the_datasets_say_which_job_made_them(train: str, connection: Connection, history: str) -> None:
    done = submit(train, ["data/numbers.csv"]).wait(600)
    notebook = done.outputs().notebook
    provenance = connection.gi.histories.show_dataset_provenance(current_history(connection), notebook.id)
    assert provenance["job_id"] == done.id
    assert provenance["tool_id"].endswith("run_jupyter_job")


def test_arrays_are_readable_with_h5py(train: str, lab: Path) -> None:
    done = submit(train, ["data/numbers.csv"]).wait(600)
    with h5py.File(get(done.outputs().arrays, to="arrays.h5")) as file:
        assert np.array_equal(file["scaled"][:], [1.0, 2.0, 3.0])
        assert "numbers" not in file or file["numbers"].shape == (3,)
