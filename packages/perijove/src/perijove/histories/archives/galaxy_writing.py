"""A history in the form of Galaxy's own archives: JSON documents beside the datasets' files.

A real Galaxy imports them. What only we know stands under keys that Galaxy does not look at.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from perijove.histories.archives.content import (
    ArchivedCollection,
    ArchivedDataset,
    ArchivedElement,
    ArchivedHistory,
    ArchivedJob,
    ArchivedLink,
)

EXPORT_VERSION = "2.0"
OURS = "perijove"


def documents(history: ArchivedHistory) -> dict[str, bytes]:
    """Every document by its name in the archive."""
    own = [dataset for dataset in history.datasets if dataset.path is not None]
    described = [dataset for dataset in history.datasets if dataset.path is None]
    found: dict[str, Any] = {
        "history_attrs.txt": _history(history),
        "datasets_attrs.txt": [_dataset(history, dataset) for dataset in own],
        "datasets_attrs.txt.provenance": [_dataset(history, dataset) for dataset in described],
        "collections_attrs.txt": [_collection(history, collection) for collection in history.collections],
        "jobs_attrs.txt": [_job(job) for job in history.jobs],
        "implicit_collection_jobs_attrs.txt": [],
        "implicit_dataset_conversions.txt": [],
        "libraries_attrs.txt": [],
        "library_folders_attrs.txt": [],
        "invocation_attrs.txt": [],
        "export_attrs.txt": {"galaxy_export_version": EXPORT_VERSION},
    }
    return {name: json.dumps(content, indent=1).encode() for name, content in found.items()}


def _time(value: datetime | None) -> str:
    return (value or datetime(1970, 1, 1)).isoformat()


def _history(history: ArchivedHistory) -> dict[str, Any]:
    return {
        "model_class": "History",
        "encoded_id": history.key,
        "name": history.name,
        "annotation": history.annotation,
        "tags": list(history.tags),
        "genome_build": "?",
        "hid_counter": history.last_hid + 1,
        "create_time": _time(history.created),
        "update_time": _time(history.updated),
    }


def _dataset(history: ArchivedHistory, dataset: ArchivedDataset) -> dict[str, Any]:
    found: dict[str, Any] = {
        "model_class": "HistoryDatasetAssociation",
        "encoded_id": dataset.key,
        "history_encoded_id": "" if dataset.foreign else history.key,
        "hid": dataset.hid,
        "name": dataset.name,
        "extension": dataset.ext,
        "state": dataset.state,
        "visible": dataset.visible,
        "deleted": dataset.deleted,
        "annotation": dataset.annotation,
        "tags": list(dataset.tags),
        "info": dataset.info or "",
        "blurb": dataset.blurb or "",
        "peek": dataset.peek or "",
        "designation": None,
        "metadata": {**dataset.metadata, "dbkey": dataset.genome_build},
        "copied_from_history_dataset_association_id_chain": [dataset.copied_from]
        if dataset.copied_from
        else [],
        "create_time": _time(dataset.created),
        "update_time": _time(dataset.updated),
        OURS: {"blake3": dataset.digest, "size": dataset.size},
    }
    if dataset.path is not None:
        found["file_name"] = dataset.path
    return found


def _collection(history: ArchivedHistory, collection: ArchivedCollection) -> dict[str, Any]:
    return {
        "model_class": "HistoryDatasetCollectionAssociation",
        "encoded_id": collection.key,
        "history_encoded_id": history.key,
        "hid": collection.hid,
        "display_name": collection.name,
        "state": "ok",
        "implicit_output_name": None,
        "copied_from_history_dataset_collection_association_id_chain": [],
        "collection": _elements(collection.key, collection.collection_type, collection.elements),
        OURS: {
            "visible": collection.visible,
            "annotation": collection.annotation,
            "tags": list(collection.tags),
        },
    }


def _elements(key: str, kind: str, elements: Iterable[ArchivedElement]) -> dict[str, Any]:
    return {
        "model_class": "DatasetCollection",
        "encoded_id": key,
        "type": kind,
        "populated_state": "ok",
        "elements": [_element(element, index) for index, element in enumerate(elements)],
    }


def _element(element: ArchivedElement, index: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "model_class": "DatasetCollectionElement",
        "encoded_id": element.key,
        "element_identifier": element.identifier,
        "element_index": index,
    }
    if element.dataset is not None:
        within = {"model_class": "HistoryDatasetAssociation", "encoded_id": element.dataset}
        return {**found, "element_type": "hda", "hda": within}
    inner = _elements(element.key, element.collection_type or "list", element.elements)
    return {**found, "element_type": "dataset_collection", "child_collection": inner}


def _job(job: ArchivedJob) -> dict[str, Any]:
    return {
        "model_class": "Job",
        "encoded_id": job.key,
        "tool_id": job.tool_id,
        "tool_version": job.tool_version,
        "galaxy_version": "26.1",
        "state": job.state,
        "exit_code": job.exit_code,
        "info": None,
        "traceback": None,
        "command_line": None,
        "job_stdout": "",
        "job_stderr": "",
        "tool_stdout": "",
        "tool_stderr": job.stderr,
        "params": job.params,
        "input_dataset_mapping": _mapping(job.inputs, "dataset"),
        "input_dataset_collection_mapping": _mapping(job.inputs, "collection"),
        "input_dataset_collection_element_mapping": {},
        "output_dataset_mapping": _mapping(job.outputs, "dataset"),
        "output_dataset_collection_mapping": _mapping(job.outputs, "collection"),
        "implicit_output_dataset_collection_mapping": {},
        "create_time": _time(job.created),
        "update_time": _time(job.updated),
        OURS: _ours(job),
    }


def _mapping(links: Iterable[ArchivedLink], kind: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for link in links:
        if link.kind == kind:
            found.setdefault(link.name, []).append(link.key)
    return found


def _ours(job: ArchivedJob) -> dict[str, Any]:
    times = {name: getattr(job, name) for name in ("queued", "started", "ended")}
    return {
        "name": job.name,
        "paths": {link.key: link.path for link in job.inputs if link.path is not None},
        "engine": job.engine,
        "network": job.network,
        "time_limit": job.time_limit,
        "resources": job.resources,
        "metrics": job.metrics,
        "provenance": job.provenance,
        "parameters": job.parameters,
        "error": job.error,
        "digests": job.digests,
        **{name: _time(value) for name, value in times.items() if value is not None},
    }
