"""Histories out and in again: everything that was there is there, on both databases."""

from __future__ import annotations

import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from bioblend.galaxy import GalaxyInstance

from perijove.core.settings import HistorySettings, Settings
from perijove.testing.history_server import HistoryServer


def prepared(http: httpx.Client, history: str, **options: object) -> bytes:
    """The archive, by the calls that Galaxy's own client makes."""
    asked = http.post(f"/api/histories/{history}/prepare_store_download", json=options)
    address = f"/api/short_term_storage/{asked.raise_for_status().json()['storage_request_id']}"
    assert http.get(f"{address}/ready").json() is True
    return http.get(address).raise_for_status().content


def imported(http: httpx.Client, archive: bytes) -> str:
    answer = http.post("/api/histories", files={"archive_file": ("history", archive)})
    return str(answer.raise_for_status().json()["id"])


def contents(http: httpx.Client, history: str) -> list[dict]:
    return http.get(
        f"/api/histories/{history}/contents", params={"view": "detailed", "details": "all"}
    ).json()


@pytest.fixture
def filled(alice: GalaxyInstance, history: str, upload: Callable[..., dict]) -> str:
    """Two datasets of one content, a table, a pair within a list, a deleted dataset, words of people."""
    first = upload("a.txt", b"one\n")
    second = upload("b.txt", b"one\n")
    table = upload("t.tsv", b"a\tb\n1\t2\n", file_type="tabular")
    gone = upload("gone.txt", b"gone\n")
    alice.histories.delete_dataset(history, gone["id"])
    alice.histories.update_dataset(history, table["id"], annotation="Größe ☃", tags=["name:t", "x"])
    alice.histories.update_history(history, name="Ein Versuch", annotation="why", tags=["ct"])
    pair = {
        "src": "new_collection",
        "name": "s1",
        "collection_type": "paired",
        "element_identifiers": [
            {"src": "hda", "id": first["id"], "name": "forward"},
            {"src": "hda", "id": second["id"], "name": "reverse"},
        ],
    }
    body = {
        "collection_type": "list:paired",
        "name": "pairs",
        "element_identifiers": [pair],
        "copy_elements": True,
        "type": "dataset_collection",
    }
    url = f"{alice.url}/histories/{history}/contents/dataset_collections"
    httpx.post(url, json=body, headers={"x-api-key": alice.key}, trust_env=False).raise_for_status()
    return history


def described(http: httpx.Client, history: str) -> list[tuple]:
    """What must be the same after a journey, in order of the numbers."""
    fields = ("hid", "name", "history_content_type", "extension", "visible", "deleted", "annotation", "tags")
    found = [tuple(str(one.get(field)) for field in fields) for one in contents(http, history)]
    return sorted(found, key=lambda one: int(one[0]))


@pytest.mark.parametrize("form", ["rocrate.zip", "tar.gz", "tar"])
def test_comes_back_as_it_was(http: httpx.Client, filled: str, form: str) -> None:
    archive = prepared(http, filled, model_store_format=form, include_deleted=True, include_hidden=True)
    again = imported(http, archive)
    assert described(http, again) == described(http, filled)
    before, after = (http.get(f"/api/histories/{one}").json() for one in (filled, again))
    for field in ("name", "annotation", "tags", "hid_counter", "size"):
        assert after[field] == before[field]
    (pairs,) = [one for one in contents(http, again) if one["name"] == "pairs"]
    shown = http.get(f"/api/dataset_collections/{pairs['id']}").json()
    assert shown["collection_type"] == "list:paired"
    (group,) = shown["elements"]
    leaves = group["object"]["elements"]
    assert [leaf["element_identifier"] for leaf in leaves] == ["forward", "reverse"]
    assert http.get(f"/api/datasets/{leaves[0]['object']['id']}/display").content == b"one\n"


def test_its_uploads_are_still_known(http: httpx.Client, filled: str) -> None:
    again = imported(http, prepared(http, filled, model_store_format="rocrate.zip"))
    dataset = next(one for one in contents(http, again) if one["name"] == "t.tsv")
    job = http.get(f"/api/jobs/{dataset['creating_job']}").json()
    assert (job["tool_id"], job["state"], job["history_id"]) == ("__DATA_FETCH__", "ok", again)
    assert job["outputs"]["output0"]["id"] == dataset["id"]


def test_deleted_ones_stay_at_home_unless_asked_for(http: httpx.Client, filled: str) -> None:
    archive = zipfile.ZipFile(io.BytesIO(prepared(http, filled, model_store_format="rocrate.zip")))
    assert not any("gone" in name for name in archive.namelist())
    again = imported(http, prepared(http, filled, model_store_format="rocrate.zip"))
    gone = next(one for one in contents(http, again) if one["name"] == "gone.txt")
    assert (gone["state"], gone["deleted"], gone["purged"]) == ("discarded", True, True)


def test_bioblend_exports_and_imports(alice: GalaxyInstance, filled: str, tmp_path: Path) -> None:
    path = tmp_path / "history.tar.gz"
    export = alice.histories.export_history(filled, wait=True)
    with path.open("wb") as file:
        alice.histories.download_history(filled, export, file)
    with tarfile.open(path) as archive:
        assert "history_attrs.txt" in archive.getnames()
    known = {one["id"] for one in alice.histories.get_histories()}
    alice.histories.import_history(file_path=str(path))
    (new,) = [one for one in alice.histories.get_histories() if one["id"] not in known]
    assert new["name"] == "Ein Versuch"


def test_a_shared_history_shows_others_only_what_they_may_see(
    http: httpx.Client, server: HistoryServer, alice: GalaxyInstance, filled: str
) -> None:
    bob = httpx.Client(base_url=server.url, headers={"x-api-key": server.keys["bob"]}, trust_env=False)
    with bob:
        asked = {"model_store_format": "tar", "include_deleted": True, "include_hidden": True}
        refused = bob.post(f"/api/histories/{filled}/prepare_store_download", json=asked)
        assert refused.status_code == 403
        word = f"/api/short_term_storage/{filled}.tar-deleted-hidden"
        assert bob.get(word).status_code == 403
        alice.histories.update_history(filled, importable=True)
        archive = bob.get(word).raise_for_status().content
    assert b"gone" not in archive
    assert b"Ein Versuch" in archive


def test_a_foreign_crate_becomes_datasets(http: httpx.Client) -> None:
    graph = [
        {"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"}},
        {"@id": "./", "@type": "Dataset", "name": "Of others", "hasPart": [{"@id": "data/x%20y.csv"}]},
        {"@id": "data/x%20y.csv", "@type": "File", "name": "A table"},
        {"@id": "https://example.org/far.csv", "@type": "File", "name": "elsewhere"},
    ]
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ro-crate-metadata.json", json.dumps({"@graph": graph}))
        archive.writestr("data/x y.csv", "a,b\n1,2\n")
        archive.writestr("unnamed.txt", "nobody speaks of this")
    history = imported(http, held.getvalue())
    assert http.get(f"/api/histories/{history}").json()["name"] == "Of others"
    (only,) = contents(http, history)
    assert (only["hid"], only["name"], only["extension"]) == (1, "A table", "csv")


def test_an_address_that_is_not_allowed_is_refused(http: httpx.Client) -> None:
    for path, body in (
        ("/api/histories", {"archive_source": "http://127.0.0.1:1/a.zip", "archive_type": "url"}),
        ("/api/histories/from_store", {"store_content_uri": "http://127.0.0.1:1/a.zip"}),
    ):
        answer = http.post(path, json=body)
        assert answer.status_code == 403
        assert "not allowed" in answer.json()["err_msg"]


@pytest.mark.parametrize("word", ["nothing", "rocrate.zip-all", "tar.gz-hidden-x"])
def test_words_that_name_no_export(http: httpx.Client, history: str, word: str) -> None:
    assert http.get(f"/api/histories/{history}/exports/{word}").status_code in (400, 404, 422)


def test_archives_are_no_bodies_in_memory(
    http: httpx.Client, upload: Callable[..., dict], history: str
) -> None:
    """More than a request's body may have, and the largest file is still the settings' to say."""
    content = random.Random(2).randbytes(33 * 2**20)
    upload("large.bin", content)
    again = imported(http, prepared(http, history, model_store_format="tar"))
    (dataset,) = contents(http, again)
    assert http.get(f"/api/datasets/{dataset['id']}/display").content == content


def test_a_damaged_archive_leaves_nothing(
    http: httpx.Client, filled: str, server: HistoryServer, alice: GalaxyInstance
) -> None:
    whole = prepared(http, filled, model_store_format="rocrate.zip")
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(held, "w") as target:
        for name in source.namelist():
            target.writestr(name, b"other\n" if name.startswith("datasets/a.txt") else source.read(name))
    known = {one["id"] for one in alice.histories.get_histories()}
    for archive, words in (
        (whole[:-500], "damaged"),
        (held.getvalue(), "not what it was"),
        (b"x", "no history"),
    ):
        answer = http.post("/api/histories", files={"archive_file": ("history", archive)})
        assert answer.status_code == 400
        assert words in answer.json()["err_msg"]
        assert answer.json()["advice"]
    assert {one["id"] for one in alice.histories.get_histories()} == known
    assert not list(server.settings.layout.uploads.glob("tmp-*"))


def test_an_archive_over_the_quota(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, histories=HistorySettings(quota=100_000))
    with HistoryServer(settings=settings) as small:
        headers = {"x-api-key": small.keys["alice"]}
        with httpx.Client(base_url=small.url, headers=headers, trust_env=False) as client:
            archive = io.BytesIO()
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
                target.writestr("history_attrs.txt", "{}")
                dataset = {"hid": 1, "name": "zeros", "extension": "txt", "file_name": "datasets/zeros"}
                target.writestr("datasets_attrs.txt", json.dumps([dataset]))
                target.writestr("datasets/zeros", bytes(200_000))
            answer = client.post("/api/histories", files={"archive_file": ("a", archive.getvalue())})
            assert answer.status_code == 413
            assert "free room" in answer.json()["err_msg"]
            assert client.get("/api/histories").json() == []
