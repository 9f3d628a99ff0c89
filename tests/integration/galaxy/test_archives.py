"""Histories on the road between the embedded server and a real Galaxy, both ways, in both forms."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bioblend.galaxy import GalaxyInstance

from perijove.testing.history_server import HistoryServer
from perijove.testing.real_galaxy.server import Running

pytestmark = [
    pytest.mark.galaxy,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),  # BioBlend's tus client
]
FORMS = ["tar.gz", "rocrate.zip"]
CONTENTS = {"one.txt": b"one\n", "two.csv": b"a,b\n1,2\n"}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GalaxyInstance]:
    """A user of an embedded server."""
    with HistoryServer(home=tmp_path_factory.mktemp("home")) as server:
        yield GalaxyInstance(server.url, key=server.keys["alice"])


@pytest.fixture(scope="module")
def there(real_galaxy: Running) -> GalaxyInstance:
    """A user of the real Galaxy."""
    return GalaxyInstance(real_galaxy.url, key=real_galaxy.keys["alice"])


def wait_for(found: Callable[[], Any], *, seconds: float = 240) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(1)
    return value


def filled(galaxy: GalaxyInstance, folder: Path) -> str:
    """Two datasets, one with words of its owner, and a list of both, hidden copies."""
    history = galaxy.histories.create_history("On the road")["id"]
    ids = {}
    for name, content in CONTENTS.items():
        path = folder / name
        path.write_bytes(content)
        ids[name] = galaxy.tools.upload_file(str(path), history, to_posix_lines=False)["outputs"][0]["id"]
    for dataset in ids.values():
        galaxy.datasets.wait_for_dataset(dataset, maxwait=240, interval=0.5)
    galaxy.histories.update_dataset(history, ids["two.csv"], annotation="a table ☃")
    elements = [{"src": "hda", "id": one, "name": f"el {name}"} for name, one in ids.items()]
    description = {"collection_type": "list", "element_identifiers": elements, "name": "both"}
    galaxy.histories.create_dataset_collection(history, description)
    return str(history)


def exported(galaxy: GalaxyInstance, history: str, form: str, path: Path) -> Path:
    """The archive, by Galaxy's own calls."""
    url = f"{galaxy.url}/histories/{history}/prepare_store_download"
    wanted = {"model_store_format": form, "include_hidden": True, "include_deleted": False}
    asked = galaxy.make_post_request(url, payload=wanted)
    stored = f"{galaxy.url}/short_term_storage/{asked['storage_request_id']}"
    wait_for(lambda: galaxy.make_get_request(f"{stored}/ready").json())
    with galaxy.make_get_request(stored, stream=True) as answer, path.open("wb") as file:
        answer.raise_for_status()
        for chunk in answer.iter_content(2**20):
            file.write(chunk)
    return path


def imported(galaxy: GalaxyInstance, archive: Path) -> str:
    """The new history, when all of it is there."""
    known = {one["id"] for one in galaxy.histories.get_histories()}
    galaxy.histories.import_history(file_path=str(archive))

    def new() -> str | None:
        found = [one for one in galaxy.histories.get_histories() if one["id"] not in known]
        return found[0]["id"] if found else None

    history = str(wait_for(new))
    wait_for(lambda: len(galaxy.histories.show_history(history, contents=True)) >= 3)
    return history


def told(galaxy: GalaxyInstance, history: str) -> dict[int, tuple]:
    """What must be the same on both servers, by number."""
    found = {}
    for one in galaxy.histories.show_history(history, contents=True, details="all"):
        kind = one["history_content_type"]
        if kind == "dataset":
            content = galaxy.datasets.download_dataset(one["id"], require_ok_state=False)
            annotation = galaxy.histories.show_dataset(history, one["id"]).get("annotation")
            found[one["hid"]] = (
                kind,
                one["name"],
                one["extension"],
                one["visible"],
                content,
                annotation or "",
            )
        else:
            shown = galaxy.dataset_collections.show_dataset_collection(one["id"])
            elements = [
                (element["element_identifier"], galaxy.datasets.download_dataset(element["object"]["id"]))
                for element in shown["elements"]
            ]
            found[one["hid"]] = (kind, one["name"], one["collection_type"], one["visible"], elements, "")
    return found


@pytest.mark.parametrize("form", FORMS)
def test_from_galaxy(here: GalaxyInstance, there: GalaxyInstance, tmp_path: Path, form: str) -> None:
    history = filled(there, tmp_path)
    before = told(there, history)
    archive = exported(there, history, form, tmp_path / f"history.{form}")
    again = imported(here, archive)
    assert told(here, again) == before
    dataset = next(one for one in here.histories.show_history(again, contents=True) if one["hid"] == 1)
    job = here.jobs.show_job(here.datasets.show_dataset(dataset["id"])["creating_job"])
    assert (job["state"], job["tool_id"]) == ("ok", "__DATA_FETCH__")


@pytest.mark.parametrize("form", FORMS)
def test_to_galaxy(here: GalaxyInstance, there: GalaxyInstance, tmp_path: Path, form: str) -> None:
    history = filled(here, tmp_path)
    before = told(here, history)
    archive = exported(here, history, form, tmp_path / f"history.{form}")
    again = imported(there, archive)
    assert told(there, again) == before
