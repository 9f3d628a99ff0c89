"""The interactive tool's form: what is chosen, under which names it is found, and what is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from perijove_lab.galaxy import lab, repository
from perijove_lab.runner.errors import SpecError


def chosen(name: str, ext: str = "csv", place: str = "") -> dict[str, Any]:
    return {"element_identifier": name, "ext": ext, "source_path": "/x/1.dat", "staging_path": place or name}


def test_every_input_has_a_path_of_its_own() -> None:
    raw = {
        "input": [chosen("a.csv"), chosen("a.csv"), chosen("../CT scan", "h5")],
        "collections": [{"collection": [chosen("s1", place="s1"), chosen("s2", place="deep/s2")]}],
    }
    asked = lab.read(raw, ["my slices"])
    assert [path for path, _ in asked.inputs] == [
        "data/a.csv",
        "data/a-2.csv",
        "data/CT scan",
        "data/my slices/s1.csv",
        "data/my slices/deep/s2.csv",
    ]


def test_a_notebook_runs_without_a_lab_where_that_was_asked_for() -> None:
    mode = {
        "mode_select": "previous",
        "ipynb": chosen("n", "ipynb"),
        "run_it": True,
        "parameters": '{"n": 3}',
    }
    asked = lab.read({"mode": mode}, [])
    assert (asked.run_it, asked.values) == (True, {"n": 3})
    assert not lab.read({"mode": mode | {"run_it": False}}, []).run_it
    with pytest.raises(SpecError, match="No dataset was chosen"):
        lab.read({"mode": {"mode_select": "previous", "run_it": True}}, [])
    with pytest.raises(SpecError, match="not valid JSON"):
        lab.read({"mode": mode | {"parameters": "{n"}}, [])


@pytest.mark.parametrize(
    "address",
    [
        "",
        "file:///etc",
        "/srv/x.git",
        "ssh://git@host/x",
        "--upload-pack=x",
        "ext::sh -c x",
        "https://a:b@host/x",
    ],
)
def test_addresses_that_are_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError):
        repository.clone(address, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_repository_takes_no_name_of_ours() -> None:
    assert repository.folder_name("https://host/group/notebooks.git") == "notebooks"
    assert repository.folder_name("https://host/..") == "repository"
    assert repository.folder_name("https://host/x/data.git") == "repository"


def test_git_says_why(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="was not cloned"):
        repository.clone("http://127.0.0.1:9/x.git", tmp_path)


def test_a_repository_is_cloned(tmp_path: Path) -> None:
    """Over HTTP, from a plain web server."""
    import functools
    import http.server
    import threading

    served, work = tmp_path / "served", tmp_path / "work"
    work.mkdir()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(work)]
    subprocess.run([*git, "init", "-q"], check=True)
    (work / "n.ipynb").write_text("{}")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "one"], check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(served / "book.git")], check=True)
    subprocess.run(["git", "-C", str(served / "book.git"), "update-server-info"], check=True)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(served))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made = repository.clone(f"http://127.0.0.1:{server.server_port}/book.git", tmp_path)
        server.shutdown()
    assert (made / "n.ipynb").read_text() == "{}"
