"""A history as an RO-Crate: `ro-crate-metadata.json`, the workflow that was run, and each job's environment.

Profiles (https://www.researchobject.org/workflow-run-crate): Process Run Crate 0.5 where there are jobs, and
Workflow Run Crate 0.5 with Workflow RO-Crate 1.0 where notebooks or scripts were among them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import count
from typing import Any

from rocrate.model.computerlanguage import ComputerLanguage
from rocrate.model.contextentity import ContextEntity
from rocrate.model.data_entity import DataEntity
from rocrate.model.file import File
from rocrate.model.person import Person
from rocrate.rocrate import ROCrate

from perijove.histories.archives import crate_texts as texts
from perijove.histories.archives.content import (
    ArchivedCollection,
    ArchivedDataset,
    ArchivedElement,
    ArchivedHistory,
    ArchivedJob,
    ArchivedLink,
)
from perijove.histories.archives.run_workflow import HistoryRun, extract
from perijove_pipelines.job_step import CODE
from perijove_pipelines.workflow import to_yaml

METADATA = "ro-crate-metadata.json"
WORKFLOW = "workflow.gxwf.yml"
_VERSION = "1.1"  # what the profiles of version 0.5 extend
_TERMS = "https://w3id.org/ro/terms/workflow-run/context"
_PROCESS = ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5")
_WORKFLOW = ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5")
_WORKFLOW_CRATE = ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0")
_COMPLETED, _FAILED = "http://schema.org/CompletedActionStatus", "http://schema.org/FailedActionStatus"
_FORMAL = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
_MEASURES = {
    "cpu_seconds": ("CPU time", "SEC"),
    "memory_peak": ("Largest memory in use", "AD"),
    "runtime_seconds": ("Wall clock time", "SEC"),
}


def documents(history: ArchivedHistory, others: Mapping[str, bytes]) -> dict[str, bytes]:
    """The crate's own files by name. `others`: what else lies in the archive beside the datasets."""
    return _Crate(history).documents(others)


class _Crate:
    def __init__(self, history: ArchivedHistory) -> None:
        self._history = history
        self._crate: Any = ROCrate(version=_VERSION)
        self._entities: dict[str, Any] = {}
        self._written: dict[str, bytes] = {}
        self._numbers = count(1)
        self._parts: dict[str, Any] = {}
        self._code_keys = {link.key for job in history.jobs for link in job.inputs if link.name == CODE}

    def documents(self, others: Mapping[str, bytes]) -> dict[str, bytes]:
        run = extract(self._history)
        self._describe_root(run)
        self._files()
        self._collections()
        for name, content in others.items():
            self._file(name, f"Galaxy's description: {name}", "application/json", len(content))
        if run is not None:
            self._workflow(run)
        for job in self._history.jobs:
            self._job(job)
        if run is not None:
            self._crate.mainEntity["hasPart"] = _compact(list(self._parts.values()))
        self._readme()
        metadata = json.dumps(self._crate.metadata.generate(), indent=1, sort_keys=True)
        return {METADATA: metadata.encode(), **self._written}

    def _add(self, identifier: str, kind: str | list[str], /, **properties: Any) -> Any:
        return self._crate.add(
            ContextEntity(self._crate, identifier, properties={"@type": kind, **properties})
        )

    def _file(self, path: str, name: str, mime: str, size: int, **properties: Any) -> Any:
        given = {"name": name, "encodingFormat": mime, "contentSize": str(size), **properties}
        return self._crate.add(File(self._crate, dest_path=path, properties=given))

    def _write(self, path: str, name: str, mime: str, content: str, **properties: Any) -> Any:
        self._written[path] = content.encode()
        return self._file(path, name, mime, len(self._written[path]), **properties)

    def _describe_root(self, run: HistoryRun | None) -> None:
        history, crate = self._history, self._crate
        crate.name = history.name
        crate.description = history.annotation or f"The history {history.name!r}, exported from Perijove."
        crate.root_dataset["license"] = self._add(
            "#licence", "CreativeWork", name="No licence was given",
            description="Whoever made this history gave it no licence: ask them before using it.",
        )  # fmt: skip
        if history.tags:
            crate.root_dataset["keywords"] = ", ".join(history.tags)
        self._agent = crate.add(
            Person(crate, f"#{history.owner or 'owner'}", properties={"name": history.owner or "The owner"})
        )
        crate.root_dataset["author"] = self._agent
        profiles = [_PROCESS] if history.jobs else []
        if run is not None:
            profiles += [_WORKFLOW, _WORKFLOW_CRATE]
            crate.metadata.extra_contexts.append(_TERMS)
        elif history.jobs:
            crate.metadata.extra_contexts.append(_TERMS)
        found = [
            self._add(address, "CreativeWork", name=name, version=version)
            for address, name, version in profiles
        ]
        crate.root_dataset["conformsTo"] = _compact(found)
        if run is not None:
            crate.metadata["conformsTo"] = [{"@id": f"https://w3id.org/ro/crate/{_VERSION}"}, found[-1]]

    def _readme(self) -> None:
        readme = self._write("README.md", "README", "text/markdown", texts.readme(self._history))
        readme["about"] = self._crate.root_dataset

    def _files(self) -> None:
        for dataset in self._history.datasets:
            if dataset.path is not None:
                self._entities[dataset.key] = self._dataset(dataset, dataset.path)

    def _dataset(self, dataset: ArchivedDataset, path: str) -> Any:
        more: dict[str, Any] = {"identifier": f"blake3:{dataset.digest}"} if dataset.digest else {}
        if dataset.annotation:
            more["description"] = dataset.annotation
        if dataset.created:
            more["dateCreated"] = texts.moment(dataset.created)
        if dataset.key in self._code_keys:
            more |= {"@type": ["File", "SoftwareSourceCode"], "version": (dataset.digest or "1")[:12]}
        return self._file(path, dataset.name, dataset.mime, dataset.size, **more)

    def _collections(self) -> None:
        for collection in self._history.collections:
            entity = self._add(
                f"#collection-{collection.key}",
                "Collection",
                name=collection.name,
                additionalType=f"https://galaxyproject.org/collection/{collection.collection_type}",
                hasPart=_compact([_ref(one) for one in self._members(collection)]),
            )
            self._entities[collection.key] = entity
            self._crate.root_dataset.append_to("mentions", entity, compact=True)

    def _members(self, collection: ArchivedCollection) -> list[Any]:
        keys = dict.fromkeys(_datasets(collection.elements))
        return [self._entities[key] for key in keys if key in self._entities]

    def _workflow(self, run: HistoryRun) -> None:
        """The main entity, and the action that was the run of it as a whole."""
        language = self._crate.add(_galaxy_language(self._crate))
        workflow = self._write(
            WORKFLOW, run.workflow.name, "application/yaml", to_yaml(run.workflow),
            **{"@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"]},
        )  # fmt: skip
        workflow["programmingLanguage"] = language
        workflow["version"] = (self._history.updated or datetime(1970, 1, 1)).date().isoformat()
        workflow["conformsTo"] = self._add(
            "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE",
            "CreativeWork", name="ComputationalWorkflow", version="1.0-RELEASE",
        )  # fmt: skip
        self._crate.mainEntity = workflow
        action = self._action("#run", f"Run of {run.workflow.name}", workflow, run.jobs)
        given = [(key, one.label) for key, one in zip(run.given, run.workflow.inputs, strict=True)]
        action["object"] = _compact(
            [self._formal(workflow, "input", label, self._entity(key)) for key, label in given]
        )
        action["result"] = _compact(
            [
                self._formal(
                    workflow, "output", f"{link.name} of {job.name or job.key}", self._entities[link.key]
                )
                for job in run.jobs
                for link in job.outputs
                if link.key in self._entities
            ]
        )

    def _formal(self, workflow: Any, role: str, label: str, entity: Any) -> Any:
        conforms = self._crate.get(_FORMAL) or self._add(
            _FORMAL, "CreativeWork", name="FormalParameter", version="1.0-RELEASE"
        )
        kind = "Collection" if "Collection" in _types(entity) else "File"
        parameter = self._add(
            f"#{role}-{next(self._numbers)}",
            "FormalParameter",
            name=label,
            additionalType=kind,
            conformsTo=_ref(conforms),
        )
        workflow.append_to(role, parameter, compact=True)
        entity.append_to("exampleOfWork", parameter, compact=True)
        return entity

    def _action(self, identifier: str, name: str, instrument: Any, jobs: tuple[ArchivedJob, ...]) -> Any:
        starts = [time for job in jobs if (time := job.started or job.created)]
        ends = [time for job in jobs if (time := job.ended or job.updated)]
        failed = [job for job in jobs if job.state != "ok"]
        action = self._add(
            identifier,
            "CreateAction",
            name=name,
            description=texts.story(name, starts, ends, failed=bool(failed)),
        )
        action["instrument"], action["agent"] = instrument, self._agent
        action["actionStatus"] = _FAILED if failed else _COMPLETED
        if starts:
            action["startTime"] = texts.moment(min(starts))
        if ends:
            action["endTime"] = texts.moment(max(ends))
        if failed:
            action["error"] = "; ".join(texts.why(job) for job in failed)[:2000]
        self._crate.root_dataset.append_to("mentions", action, compact=True)
        return action

    def _job(self, job: ArchivedJob) -> None:
        code = next((link for link in job.inputs if link.name == CODE), None)
        instrument = self._code(job, code) if code is not None else self._tool(job)
        action = self._action(f"#job-{job.key}", job.name or job.tool_id, instrument, (job,))
        data = [self._entity(link.key, job) for link in job.inputs if link is not code]
        action["object"] = _compact([*data, *self._parameters(job)])
        made = [self._entities[one.key] for one in job.outputs if one.key in self._entities]
        action["result"] = _compact(made)
        usage = [*self._measured(job), *self._granted(job)]
        if usage:
            action["resourceUsage"] = _compact(usage)

    def _tool(self, job: ArchivedJob) -> Any:
        identifier = f"#tool-{job.tool_id}-{job.tool_version}"
        known = self._crate.get(identifier)
        if known is not None:
            return known
        name = "Upload of files" if job.tool_id in ("upload1", "__DATA_FETCH__") else job.tool_id
        return self._add(
            identifier, "SoftwareApplication", name=name, identifier=job.tool_id,
            softwareVersion=job.tool_version or "1", url="https://galaxyproject.org",
        )  # fmt: skip

    def _code(self, job: ArchivedJob, link: ArchivedLink) -> Any:
        """The notebook or script, as the instrument of the run; its requirements are the environment."""
        entity = self._entity(link.key, job)
        entity["programmingLanguage"] = self._crate.get(_PYTHON) or self._crate.add(
            ComputerLanguage(
                self._crate, _PYTHON, properties={"name": "Python", "url": "https://www.python.org"}
            )
        )
        lock = texts.lock(job)
        if lock:
            path = f"environments/{job.key}.txt"
            requirements = self._write(path, f"Environment of {job.name or job.key}", "text/plain", lock)
            entity.append_to("softwareRequirements", requirements, compact=True)
        self._parts[entity.id] = entity
        return entity

    def _entity(self, key: str, job: ArchivedJob | None = None) -> Any:
        """What stands for a dataset or collection; one that is not in the crate is described in words."""
        if key in self._entities:
            return self._entities[key]
        dataset = self._history.by_key.get(key)
        digest = (job.digests.get(key) if job else None) or (dataset.digest if dataset else None)
        more = {"identifier": f"blake3:{digest}"} if digest else {}
        kind = "SoftwareSourceCode" if key in self._code_keys else "CreativeWork"
        self._entities[key] = self._add(
            f"#dataset-{key}", kind, name=dataset.name if dataset else f"Dataset {key}",
            description="Its content is not in this crate.", **more,
        )  # fmt: skip
        return self._entities[key]

    def _parameters(self, job: ArchivedJob) -> Iterator[Any]:
        paths = {f"path of {link.key}": link.path for link in job.inputs if link.path}
        for index, (name, value) in enumerate({**job.parameters, **paths}.items()):
            text = value if isinstance(value, str | int | float) else json.dumps(value, default=str)
            yield self._add(f"#job-{job.key}-parameter-{index}", "PropertyValue", name=name, value=text)

    def _measured(self, job: ArchivedJob) -> Iterator[Any]:
        for name, (title, unit) in _MEASURES.items():
            value = job.metrics.get(name)
            if isinstance(value, int | float):
                yield self._add(
                    f"#job-{job.key}-{name}", "PropertyValue", name=title, propertyID=_property(name),
                    value=value, unitCode=f"https://qudt.org/vocab/unit/{'BYTE' if unit == 'AD' else 'SEC'}",
                )  # fmt: skip

    def _granted(self, job: ArchivedJob) -> Iterator[Any]:
        for name, value in job.resources.items():
            if isinstance(value, int | float):
                yield self._add(
                    f"#job-{job.key}-granted-{name}", "PropertyValue", name=f"granted: {name}",
                    propertyID=_property(f"granted_{name}"), value=value,
                )  # fmt: skip


_PYTHON = "#python"


def _property(name: str) -> str:
    return f"https://galaxyproject.org/job-metric/{name}"


def _galaxy_language(crate: Any) -> ComputerLanguage:
    return ComputerLanguage(
        crate,
        "https://w3id.org/workflowhub/workflow-ro-crate#galaxy",
        properties={
            "name": "Galaxy",
            "identifier": {"@id": "https://galaxyproject.org/"},
            "url": {"@id": "https://galaxyproject.org/"},
            "version": "26.1",
        },
    )


def _compact(values: list[Any]) -> Any:
    """One value by itself, as RO-Crate wants it."""
    return values[0] if len(values) == 1 else values


def _datasets(elements: tuple[ArchivedElement, ...]) -> Iterator[str]:
    for element in elements:
        if element.dataset is not None:
            yield element.dataset
        yield from _datasets(element.elements)


def _types(entity: DataEntity | ContextEntity) -> list[str]:
    found: Any = entity["@type"]
    return [str(one) for one in found] if isinstance(found, list) else [str(found)]


def _ref(entity: Any) -> dict[str, str]:
    return {"@id": str(entity.id)}
