"""Collections through BioBlend: lists, pairs, nesting, downloads, copies."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import httpx
import pytest
from bioblend import ConnectionError as GalaxyError
from bioblend.galaxy import GalaxyInstance
from bioblend.galaxy.dataset_collections import (
    CollectionDescription,
    CollectionElement,
    HistoryDatasetElement,
)


def paste(gi: GalaxyInstance, history: str, text: str) -> str:
    return str(gi.tools.paste_content(text, history)["outputs"][0]["id"])


def test_list(alice: GalaxyInstance, history: str, tmp_path: Path) -> None:
    first, second = paste(alice, history, "one"), paste(alice, history, "two")
    described = CollectionDescription(
        "models", elements=[HistoryDatasetElement("a/b.txt", first), HistoryDatasetElement("c", second)]
    )
    made = alice.histories.create_dataset_collection(history, described, copy_elements=False)
    assert [e["object"]["id"] for e in made["elements"]] == [first, second]
    shown = alice.dataset_collections.show_dataset_collection(made["id"])
    assert [e["element_identifier"] for e in shown["elements"]] == ["a/b.txt", "c"]
    assert shown["element_count"] == 2
    alice.dataset_collections.wait_for_dataset_collection(made["id"], maxwait=10, interval=1)
    target = tmp_path / "c.zip"
    alice.dataset_collections.download_dataset_collection(made["id"], str(target))
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["models/a/b.txt", "models/c.txt"]
        assert archive.read("models/a/b.txt") == b"one\n"


def test_copied_elements_are_hidden_and_independent(alice: GalaxyInstance, history: str) -> None:
    first = paste(alice, history, "one")
    described = CollectionDescription("c", elements=[HistoryDatasetElement("a", first)])
    made = alice.histories.create_dataset_collection(history, described)
    (element,) = made["elements"]
    assert element["object"]["id"] != first
    assert not element["object"]["visible"]
    alice.histories.delete_dataset(history, first, purge=True)
    assert alice.datasets.download_dataset(element["object"]["id"]) == b"one\n"


def test_nested(alice: GalaxyInstance, http: httpx.Client, history: str) -> None:
    ids = [paste(alice, history, str(number)) for number in range(4)]
    described = CollectionDescription(
        "pairs",
        type="list:paired",
        elements=[
            CollectionElement(
                name,
                type="paired",
                elements=[HistoryDatasetElement("forward", one), HistoryDatasetElement("reverse", two)],
            )
            for name, one, two in (("s1", ids[0], ids[1]), ("s2", ids[2], ids[3]))
        ],
    )
    made = alice.histories.create_dataset_collection(history, described, copy_elements=False)
    assert made["elements"][1]["object"]["collection_type"] == "paired"
    assert made["elements"][1]["object"]["elements"][1]["object"]["id"] == ids[3]
    other = alice.histories.create_history("other")["id"]
    copy = alice.histories.copy_content(other, made["id"], source="hdca")
    assert copy["elements"][0]["object"]["elements"][0]["object"]["history_id"] == other
    zipped = http.get(f"/api/dataset_collections/{copy['id']}/download").content
    assert zipfile.ZipFile(io.BytesIO(zipped)).namelist()[0] == "pairs/s1/forward.txt"


def test_change_and_delete(alice: GalaxyInstance, history: str) -> None:
    first = paste(alice, history, "one")
    described = CollectionDescription("c", elements=[HistoryDatasetElement("a", first)])
    made = alice.histories.create_dataset_collection(history, described)
    changed = alice.histories.update_dataset_collection(history, made["id"], name="d", visible=False)
    assert (changed["name"], changed["visible"]) == ("d", False)
    alice.histories.delete_dataset_collection(history, made["id"])
    assert alice.histories.show_dataset_collection(history, made["id"])["deleted"]
    assert not alice.datasets.show_dataset(first)["deleted"]


@pytest.mark.parametrize(
    "elements",
    [
        [{"src": "hda", "name": "a"}],
        [{"src": "hda", "name": "a", "id": "0" * 16}],
        [{"src": "hda", "name": "", "id": "FIRST"}],
        [{"src": "hda", "name": "a", "id": "FIRST"}, {"src": "hda", "name": "a", "id": "FIRST"}],
        [{"src": "hda", "name": "a" * 2000, "id": "FIRST"}],
        [{"src": "new_collection", "name": "a", "element_identifiers": []}],
        [{"src": "ldda", "name": "a", "id": "FIRST"}],
    ],
)
def test_what_is_no_list_is_refused(alice: GalaxyInstance, history: str, elements: list[dict]) -> None:
    first = paste(alice, history, "one")
    filled = [{**e, "id": first} if e.get("id") == "FIRST" else e for e in elements]
    with pytest.raises(GalaxyError) as refused:
        alice.histories.create_dataset_collection(
            history, {"name": "c", "collection_type": "list", "element_identifiers": filled}
        )
    assert 400 <= refused.value.status_code < 500
    assert len(alice.histories.show_history(history, contents=True)) == 1


def test_zip_paths_stay_inside(alice: GalaxyInstance, http: httpx.Client, history: str) -> None:
    first = paste(alice, history, "one")
    names = ["../../etc/passwd", "/abs", "a/../b", "..", "A", "a", "c\\d"]
    described = CollectionDescription(
        "../up", elements=[HistoryDatasetElement(name, first) for name in names]
    )
    made = alice.histories.create_dataset_collection(history, described, copy_elements=False)
    zipped = http.get(f"/api/dataset_collections/{made['id']}/download").content
    members = zipfile.ZipFile(io.BytesIO(zipped)).namelist()
    assert len({member.lower() for member in members}) == len(names)
    for member in members:
        assert not member.startswith("/")
        assert ".." not in member.split("/")
        assert "\\" not in member


def test_elements_stand_in_a_list_only_where_they_are_asked_for(
    alice: GalaxyInstance, history: str, http: httpx.Client
) -> None:
    described = CollectionDescription(
        "two", elements=[HistoryDatasetElement(name, paste(alice, history, name)) for name in ("a", "b")]
    )
    alice.histories.create_dataset_collection(history, described)
    contents = f"/api/histories/{history}/contents"
    slim = http.get(contents, params={"keys": "id,name,element_count,elements,file_size"}).json()
    assert [len(one["elements"]) for one in slim if one["name"] == "two"] == [2]
    slim = http.get(contents, params={"keys": "id,name,element_count,file_size"}).json()
    shown = next(one for one in slim if one["name"] == "two")
    assert shown == {"id": shown["id"], "name": "two", "element_count": 2}
    assert all("file_size" in one for one in slim if one["name"] != "two")
