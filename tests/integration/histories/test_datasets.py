"""Datasets through BioBlend and over plain HTTP: types, contents, ranges, changes, copies."""

from __future__ import annotations

import gzip
import io
import json
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import httpx
import numpy as np
import pytest
from bioblend import ConnectionError as GalaxyError
from bioblend.galaxy import GalaxyInstance

PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000002000000030806000000")
Upload = Callable[..., dict[str, Any]]


def h5_bytes() -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["images/train"] = np.zeros((4, 8), "f4")
        file.attrs["made_by"] = "a test"
    return buffer.getvalue()


def zip_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "a")
    return buffer.getvalue()


def inspected(gi: GalaxyInstance, dataset_id: str) -> dict[str, Any]:
    until = time.monotonic() + 60
    while (dataset := gi.datasets.show_dataset(dataset_id))["inspection"] == "pending":
        assert time.monotonic() < until, "nobody looked into the dataset"
        time.sleep(0.2)
    return dataset


@pytest.mark.parametrize(
    ("name", "content", "ext"),
    [
        ("ct.h5", h5_bytes(), "h5"),
        ("no-ending", h5_bytes(), "h5"),
        ("table.tsv", b"a\tb\n1\t2\n", "tsv"),
        ("table.txt", b"a\tb\n1\t2\n", "tabular"),
        ("table.csv", b"a,b\n1,2\n3,4\n", "csv"),
        ("data.json", b'{"a": [1, 2]}', "json"),
        ("note.ipynb", json.dumps({"cells": [], "nbformat": 4, "metadata": {}}).encode(), "ipynb"),
        ("train.py", b"import keras\n", "py"),
        ("note.md", b"# Title\n", "md"),
        ("page.html", b"<!DOCTYPE html><html></html>", "html"),
        ("x.xml", b"<?xml version='1.0'?><a/>", "xml"),
        ("x.fasta", b">one\nACGT\n>two\nGGTA\n", "fasta"),
        ("x.png", PNG, "png"),
        ("x.jpg", b"\xff\xd8\xff\xe0" + b"\0" * 50, "jpg"),
        ("x.pdf", b"%PDF-1.7\n" + b"\0" * 50, "pdf"),
        ("x.zip", zip_bytes(), "zip"),
        ("x.gz", gzip.compress(b"hello"), "gz"),
        ("scan.nii.gz", gzip.compress(b"\0" * 344 + b"n+1\0" + b"\0" * 100), "nii.gz"),
        ("noise.bin", bytes(range(256)) * 4, "data"),
        ("empty.txt", b"", "txt"),
    ],
)
def test_types_are_sniffed(
    alice: GalaxyInstance, upload: Upload, name: str, content: bytes, ext: str
) -> None:
    dataset = upload(name, content)
    assert (dataset["extension"], dataset["state"], dataset["file_size"]) == (ext, "ok", len(content))
    assert alice.datasets.download_dataset(dataset["id"]) == content


def test_declared_type_is_kept_and_doubt_is_noted(upload: Upload) -> None:
    dataset = upload("a.bin", b"plain text", file_type="h5")
    assert (dataset["extension"], dataset["state"]) == ("h5", "ok")
    assert "looks like txt" in dataset["misc_info"]


@pytest.mark.parametrize(("name", "content"), [("cut.h5", h5_bytes()[:-100]), ("cut.zip", zip_bytes()[:-30])])
def test_truncated_file_is_an_error_that_says_so(
    alice: GalaxyInstance, upload: Upload, name: str, content: bytes
) -> None:
    dataset = upload(name, content)
    assert dataset["state"] == "error"
    assert "truncated" in dataset["misc_info"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept = alice.datasets.download_dataset(dataset["id"], require_ok_state=False)
    assert kept == content


def test_metadata_is_read_by_another_process(alice: GalaxyInstance, upload: Upload) -> None:
    dataset = inspected(alice, upload("ct.h5", h5_bytes())["id"])
    assert dataset["inspection"] == "done"
    assert dataset["metadata_datasets"] == [{"name": "images/train", "shape": [4, 8], "dtype": "float32"}]
    assert "images/train" in dataset["peek"]


def test_hostile_h5_harms_nobody(alice: GalaxyInstance, upload: Upload) -> None:
    content = bytearray(h5_bytes())
    content[100:1500] = b"\xff" * 1400
    dataset = inspected(alice, upload("hostile.h5", bytes(content))["id"])
    assert (dataset["state"], dataset["inspection"]) == ("ok", "failed")
    assert "cannot be read" in dataset["misc_info"]
    assert alice.config.get_version()


def test_table_has_columns_and_peek(upload: Upload) -> None:
    dataset = upload("t.csv", b"id,score,name\n1,0.5,a\n2,1.5,b\n")
    assert dataset["metadata_columns"] == 3
    assert dataset["metadata_column_types"] == ["int", "float", "str"]
    assert dataset["metadata_data_lines"] == 3
    assert dataset["peek"].startswith("id,score,name")


def test_ranges(http: httpx.Client, upload: Upload) -> None:
    dataset = upload("r.bin", bytes(range(200)))
    url = f"/api/datasets/{dataset['id']}/display"
    whole = http.get(url)
    assert (whole.status_code, whole.headers["accept-ranges"]) == (200, "bytes")
    etag = whole.headers["etag"]
    for spec, start, end in (
        ("0-9", 0, 10),
        ("190-", 190, 200),
        ("-5", 195, 200),
        ("5-5", 5, 6),
        ("0-999", 0, 200),
    ):
        part = http.get(url, headers={"Range": f"bytes={spec}"})
        assert part.status_code == 206
        assert part.content == bytes(range(200))[start:end]
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/200"
    beyond = http.get(url, headers={"Range": "bytes=200-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */200")
    assert http.get(url, headers={"Range": "bytes=0-9", "If-Range": etag}).status_code == 206
    assert http.get(url, headers={"Range": "bytes=0-9", "If-Range": '"other"'}).status_code == 200
    modified = whole.headers["last-modified"]
    assert http.get(url, headers={"Range": "bytes=0-9", "If-Range": modified}).status_code == 206
    assert http.get(url, headers={"If-None-Match": etag}).status_code == 304
    for nonsense in ("bytes=9-5", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4"):
        assert http.get(url, headers={"Range": nonsense}).status_code == 200
    head = http.head(url)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "200", b"")


def test_download_by_history(alice: GalaxyInstance, http: httpx.Client, history: str, upload: Upload) -> None:
    dataset = upload("d.txt", b"hello\n")
    url = f"/api/histories/{history}/contents/{dataset['id']}/display?to_ext=txt"
    assert http.get(url).content == b"hello\n"
    other = alice.histories.create_history("other")["id"]
    assert http.get(f"/api/histories/{other}/contents/{dataset['id']}/display").status_code == 404


def test_default_file_name(alice: GalaxyInstance, upload: Upload, tmp_path: Path) -> None:
    dataset = upload("x", b"hello\n", file_name='a "b" ä/c')
    folder = tmp_path / "downloads"
    folder.mkdir()
    path = Path(alice.datasets.download_dataset(dataset["id"], file_path=str(folder)))
    assert path.parent == folder
    assert path.suffix == ".txt"


def test_changes(alice: GalaxyInstance, history: str, upload: Upload) -> None:
    dataset_id = upload("c.txt", b"a\n")["id"]
    changed = alice.histories.update_dataset(
        history, dataset_id, name="new", annotation="note", tags=["x"], visible=False, datatype="tabular"
    )
    assert (changed["name"], changed["annotation"], changed["tags"]) == ("new", "note", ["x"])
    assert (changed["visible"], changed["extension"]) == (False, "tabular")
    alice.histories.update_dataset(history, dataset_id, deleted=True)
    assert alice.datasets.show_dataset(dataset_id)["deleted"]
    alice.histories.update_dataset(history, dataset_id, deleted=False)
    assert not alice.datasets.show_dataset(dataset_id)["deleted"]


def test_purge_ends_reading(alice: GalaxyInstance, http: httpx.Client, history: str, upload: Upload) -> None:
    dataset_id = upload("p.txt", b"secret\n")["id"]
    alice.histories.delete_dataset(history, dataset_id, purge=True, wait=True)
    assert http.get(f"/api/datasets/{dataset_id}/display").status_code == 404
    answer = http.put(f"/api/datasets/{dataset_id}", json={"deleted": False})
    assert answer.status_code == 409


def test_contents_are_listed_filtered_and_paged(
    alice: GalaxyInstance, http: httpx.Client, history: str, upload: Upload
) -> None:
    first, second, third = (upload(f"{name}.txt", name.encode())["id"] for name in ("a", "b", "c"))
    alice.histories.delete_dataset(history, second)
    alice.histories.update_dataset(history, third, visible=False, tags=["keep", "ü"])
    ids = [one["id"] for one in alice.histories.show_history(history, contents=True)]
    assert ids == [first, second, third]
    show = alice.histories.show_history
    assert [one["id"] for one in show(history, contents=True, deleted=False)] == [first, third]
    assert [one["id"] for one in show(history, contents=True, visible=False)] == [third]
    assert show(history, contents=True, types=["dataset_collection"]) == []
    assert "peek" in show(history, contents=True, details="all")[0]
    url = f"/api/histories/{history}/contents"
    page = http.get(url, params={"limit": 1, "offset": 1, "order": "hid-dsc", "v": "dev"}).json()
    assert [one["id"] for one in page] == [second]
    tagged = http.get(url, params={"q": "tag", "qv": "ü"}).json()
    assert [one["id"] for one in tagged] == [third]
    assert http.get(url, params={"q": "name-contains", "qv": "%"}).json() == http.get(url).json()
    assert http.get(url, params={"q": "nothing", "qv": "1"}).status_code == 400
    assert [one["id"] for one in alice.datasets.get_datasets(history_id=history, name="a.txt")] == [first]
    assert (
        alice.datasets.get_datasets(history_id=history, tool_id="__DATA_FETCH__", limit=1)[0]["id"] == third
    )
    with pytest.raises(GalaxyError) as refused:
        alice.datasets.get_datasets(history_id=history, state="no-state")
    assert refused.value.status_code == 400


def test_copy_shares_content_and_outlives_the_original(
    alice: GalaxyInstance, history: str, upload: Upload
) -> None:
    dataset_id = upload("o.txt", b"original\n")["id"]
    other = alice.histories.create_history("other")["id"]
    copy = alice.histories.copy_dataset(other, dataset_id)
    alice.histories.delete_dataset(history, dataset_id, purge=True)
    time.sleep(6)  # a round of the sweep
    assert alice.datasets.download_dataset(copy["id"]) == b"original\n"


def test_text_and_provenance(alice: GalaxyInstance, http: httpx.Client, history: str, upload: Upload) -> None:
    dataset_id = upload("t.txt", "größe\n".encode())["id"]
    text = http.get(f"/api/datasets/{dataset_id}/get_content_as_text").json()
    assert (text["item_data"], text["truncated"]) == ("größe\n", False)
    binary = upload("b.bin", bytes(range(256)))["id"]
    assert http.get(f"/api/datasets/{binary}/get_content_as_text").status_code == 409
    origin = alice.histories.show_dataset_provenance(history, dataset_id)
    assert origin["tool_id"] == "__DATA_FETCH__"
    assert alice.histories.get_extra_files(history, dataset_id) == []


def test_digest_is_blake3(upload: Upload) -> None:
    from blake3 import blake3

    (digest,) = upload("h.bin", b"\1\2\3")["hashes"]
    assert digest["hash_function"] == "BLAKE3"
    assert digest["hash_value"] == blake3(b"\1\2\3").hexdigest()
