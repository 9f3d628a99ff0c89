"""`perijove jobs` and `perijove histories` against a running history server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.integration.jobs.harness import Server, User
from typer.testing import CliRunner

from perijove.cli import galaxy, histories, history_server, jobs
from perijove.core.errors import BadRequestError, ConflictError, ForbiddenError, NotFoundError


@pytest.fixture
def run(server: Server, monkeypatch: pytest.MonkeyPatch):
    @contextmanager
    def as_admin(person: str = "admin") -> Iterator[history_server.HistoryServer]:
        with httpx.Client(base_url=server.url, headers={"x-api-key": f"key-{person}"}, timeout=60) as client:
            yield history_server.HistoryServer(client)

    monkeypatch.setattr(history_server, "history_server", as_admin)

    def call(app, *arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return call


def test_jobs(run, server: Server):
    ada = User(server, "ada")
    history = ada.history("my [bold]history")
    done = ada.run(history, "print('hello log')", "[red]odd name")
    ada.wait(done)
    listed = run(jobs.app, "list")
    assert done in listed
    assert "[red]odd name" in listed
    assert "ada" in listed
    assert [job["id"] for job in json.loads(run(jobs.app, "list", "--json", "--state", "ok"))] == [done]
    assert "No jobs." in run(jobs.app, "list", "--state", "error")
    shown = run(jobs.app, "show", done)
    assert "state      ok" in shown
    assert "granted    0.5 CPUs, 256 MiB" in shown
    assert json.loads(run(jobs.app, "show", done, "--json"))["perijove"]["environment"] == "ai"
    assert run(jobs.app, "log", done) == "hello log\n"
    assert run(jobs.app, "log", done, "--tail", "4") == "log\n"
    assert "had ended before" in run(jobs.app, "cancel", done)
    listed = run(histories.app, "list")
    assert "my [bold]history" in listed
    contents = run(histories.app, "show", history)
    assert "executed notebook" in contents
    assert (
        len(json.loads(run(histories.app, "show", history, "--json"))["contents"]) == 5
    )  # not the arrays: the job made none


def test_cancel_and_a_failed_job(run, server: Server):
    ada = User(server, "ada")
    history = ada.history()
    endless = ada.run(history, "import time; time.sleep(600)")
    assert "being cancelled" in run(jobs.app, "cancel", endless)
    assert ada.wait(endless)["state"] == "deleted"
    failed = ada.run(history, "1 / 0")
    ada.wait(failed)
    assert "error      division by zero" in run(jobs.app, "show", failed)


def test_the_servers_own_words_are_passed_on(run):
    with pytest.raises(NotFoundError, match="There is no such job of yours"):
        run(jobs.app, "show", "f" * 16)


def test_without_an_administrator_it_says_how_to_make_one():
    with pytest.raises(ConflictError, match="user add NAME --admin"):
        history_server._administrator([{"name": "x", "admin": False, "approved": True}])


@pytest.mark.parametrize("ending", ["rocrate.zip", "tar.gz", "tar"])
def test_export_and_import(run, server: Server, tmp_path: Path, ending: str):
    ada = User(server, "ada")
    history = ada.history("to go")
    ada.dataset(history, "hello", "x.txt", "txt")
    archive = tmp_path / f"h.{ending}"
    run(histories.app, "export", history, "-o", str(archive))
    with pytest.raises(ConflictError, match="there already"):
        run(histories.app, "export", history, "-o", str(archive))
    run(histories.app, "export", history, "-o", str(archive), "--force")
    new = run(histories.app, "import", str(archive), "--user", "bob").split()[0]
    assert ada.http.get(f"/api/histories/{new}").status_code == 403
    (dataset,) = User(server, "bob").get(f"/api/histories/{new}/contents")
    assert User(server, "bob").download(dataset["id"]) == b"hello"
    assert [one.name for one in tmp_path.iterdir()] == [archive.name]


def test_exports_and_imports_that_cannot_be(run, tmp_path: Path):
    odd = tmp_path / "odd.rocrate.zip"
    odd.write_bytes(b"hello")
    for error, words, arguments in (
        (BadRequestError, "does not say what", ("export", "0" * 16, "-o", str(tmp_path / "x.zip"))),
        (BadRequestError, "no folder", ("export", "0" * 16, "-o", str(tmp_path / "a" / "x.tar"))),
        (NotFoundError, "no such history", ("export", "0" * 16, "-o", str(tmp_path / "x.tar"))),
        (NotFoundError, "There is no file", ("import", str(tmp_path / "none"), "--user", "bob")),
        (BadRequestError, "no history archive", ("import", str(odd), "--user", "bob")),
    ):
        with pytest.raises(error, match=words):
            run(histories.app, *arguments)
    assert list(tmp_path.iterdir()) == [odd]


def test_linking_an_account_of_a_galaxy(run, server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(galaxy, "approved", lambda name: name)
    refused = CliRunner().invoke(galaxy.app, ["link", "ada", "--url", "http://10.0.0.1"], input="secret\n")
    assert isinstance(refused.exception, ForbiddenError)
    assert "jobs.galaxies" in str(refused.exception)
    assert "secret" not in refused.output
    assert "ada has no account linked, and had none." in run(galaxy.app, "unlink", "ada")
