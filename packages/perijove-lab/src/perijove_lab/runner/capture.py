"""Capture: what the namespace holds at the end. Runs inside the kernel, step by step.

The runner asks for one step at a time (`plan`, `arrays`, then `export:N` and `verify:N` for every model), so
that a step that brings the kernel down costs that step only. Each step leaves its result as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from perijove_lab.runner import inside, provenance
from perijove_lab.runner.export import registry
from perijove_lab.runner.export.unsaveable import reason_of

_SKIPPED_TYPES = (ModuleType, FunctionType, BuiltinFunctionType, MethodType, type)
_SKIPPED_NAMES = frozenset({"In", "Out", "exit", "quit", "get_ipython"})
_MEMBERS = 50  # of a list or dict that are looked at for models
_CONTAINERS = (dict, OrderedDict, defaultdict, list, tuple)


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model found in the namespace, and the exporter for it."""

    name: str
    value: Any
    exporter: registry.Exporter


@dataclass
class Findings:
    """What stands in the namespace, sorted by what is done with it."""

    models: list[Model] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    unsaved: list[dict[str, str]] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)


@dataclass
class _State:
    findings: Findings = field(default_factory=Findings)
    exported: dict[int, registry.Exported] = field(default_factory=dict)


_state = _State()


def step(config: str) -> None:
    """Do one step. `config` is JSON: `step`, `out` (the job's out folder), `inputs` (path and file)."""
    options = json.loads(config)
    name, _, number = options["step"].partition(":")
    out = Path(options["out"])
    with open(os.devnull, "w", encoding="utf-8") as void, contextlib.redirect_stdout(void):
        if name == "plan":
            result = _plan()
        elif name == "arrays":
            result = _write_arrays(out / "datasets" / "arrays.h5", options["inputs"])
        else:
            result = {"export": _export, "verify": _verify}[name](int(number), out / "datasets")
    _leave(Path(options["result"]), result)


def _leave(path: Path, result: dict[str, Any]) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(result, default=str), encoding="utf-8")
    part.replace(path)


# -- plan ---------------------------------------------------------------------------------------------


def _plan() -> dict[str, Any]:
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    _state.findings = findings_in(shell.user_ns, inside.before)
    found = _state.findings
    return {
        "models": [model.name for model in found.models],
        "data": list(found.data),
        "unsaved": found.unsaved,
        "aliases": found.aliases,
        "interpreter": provenance.describe_interpreter(),
    }


def findings_in(namespace: dict[str, Any], before: dict[str, Any]) -> Findings:
    """Sort what the user's code defined: models, data, aliases of either, and what cannot be saved."""
    found = Findings()
    seen: dict[int, str] = {}
    modules = _modules(namespace)
    for name, value in list(namespace.items()):
        try:
            if not _ignored(name, value, before, modules):
                _sort(name, value, found, seen)
        except Exception as error:  # an object may raise at any touch
            found.unsaved.append(unsaved(name, value, reason_of(error)))
    return found


def _ignored(name: str, value: Any, before: dict[str, Any], modules: list[dict[str, Any]]) -> bool:
    if name.startswith("_") or name in _SKIPPED_NAMES or isinstance(value, _SKIPPED_TYPES):
        return True
    if name in before and before[name] is value:
        return True
    # What came by `from module import name` (`pi`, say) is no result of the user's code.
    return not _is_shared(value) and any(module.get(name) is value for module in modules)


def _modules(namespace: dict[str, Any]) -> list[dict[str, Any]]:
    found = [getattr(module, "__dict__", None) for module in list(sys.modules.values())]
    return [names for names in found if isinstance(names, dict) and names is not namespace]


def _is_shared(value: Any) -> bool:
    """Values that Python itself shares between names that have nothing to do with each other."""
    return isinstance(value, str | int | bytes | type(None)) or (type(value) is tuple and not value)


def _sort(name: str, value: Any, found: Findings, seen: dict[int, str]) -> None:
    if id(value) in seen and not _is_shared(value):
        found.aliases[name] = seen[id(value)]
        return
    seen[id(value)] = name
    exporter = registry.exporter_for(value)
    if exporter:
        found.models.append(Model(name=name, value=value, exporter=exporter))
        return
    members = _models_inside(name, value)
    found.models += members
    if not members or len(members) < len(value):
        found.data[name] = value


def _models_inside(name: str, value: Any) -> list[Model]:
    # Of the plain types alone: a class of the user's own may do anything when it is walked through.
    if type(value) not in _CONTAINERS or not 0 < len(value) <= _MEMBERS:
        return []
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found = [(key, item, registry.exporter_for(item)) for key, item in pairs]
    return [
        Model(name=f"{name}.{key}", value=item, exporter=exporter)
        for key, item, exporter in found
        if exporter
    ]


def unsaved(name: str, value: Any, reason: str) -> dict[str, str]:
    """One entry of the manifest's `unsaved`."""
    kind = type(value)
    shown = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return {"name": name, "type": shown, "reason": reason}


# -- arrays -------------------------------------------------------------------------------------------


def _write_arrays(path: Path, inputs: list[dict[str, str]]) -> dict[str, Any]:
    data = _state.findings.data
    result: dict[str, Any] = {"outputs": [], "unsaved": [], "inputs": []}
    writable = {name: value for name, value in data.items() if _has_form(name, value, result)}
    if not writable:
        return result
    try:
        import h5py  # noqa: F401
    except ImportError:
        reason = "h5py is not installed in this kernel"
        result["unsaved"] += [unsaved(name, value, reason) for name, value in writable.items()]
        return result
    _write_all(path, writable, inputs, result)
    return result


def _has_form(name: str, value: Any, result: dict[str, Any]) -> bool:
    from perijove_lab.runner.export import encoders

    with contextlib.suppress(Exception):
        if encoders.handles(value):
            return True
    result["unsaved"].append(unsaved(name, value, registry.reason_against(value)))
    return False


def _write_all(
    path: Path, data: dict[str, Any], inputs: list[dict[str, str]], result: dict[str, Any]
) -> None:
    from perijove_lab.runner.export.arrays import ArrayFile
    from perijove_lab.runner.export.inputs import InputArrays, InputFile

    known = InputArrays(tuple(InputFile(**item) for item in inputs) if _has_arrays(data) else ())
    file = ArrayFile(path, known)
    try:
        for name, value in data.items():
            _write_one(file, name, value, result)
    finally:
        known.close()
        file.close(keep=bool(file.names))
    result["unsaved"] += [
        {"name": name, "type": kind, "reason": reason} for name, kind, reason in file.left_out
    ]
    if file.names:
        metadata = {"variables": file.names[:1000], "format": "perijove-arrays", "version": 1}
        result["outputs"].append(
            {
                "name": path.name,
                "file": f"datasets/{path.name}",
                "ext": "h5",
                "role": "arrays",
                "metadata": metadata,
            }
        )


def _has_arrays(data: dict[str, Any]) -> bool:
    return any(hasattr(value, "shape") for value in data.values())


def _write_one(file: Any, name: str, value: Any, result: dict[str, Any]) -> None:
    from perijove_lab.runner.export.arrays import CameFromInputError

    try:
        file.add(name, value)
    except CameFromInputError as origin:
        result["inputs"].append({"name": name, "input": origin.input_path, "dataset": origin.dataset})
    except Exception as error:  # one variable never stands in the way of the others
        result["unsaved"].append(unsaved(name, value, reason_of(error)))


# -- models -------------------------------------------------------------------------------------------


def _export(number: int, folder: Path) -> dict[str, Any]:
    from perijove_lab.runner import observe
    from perijove_lab.runner.samples import Samples

    observe.stop_recording()
    model = _state.findings.models[number]
    samples = Samples(_state.findings.data)
    request = registry.Request(name=model.name, value=model.value, folder=folder, samples=samples)
    try:
        exported = model.exporter.export(request)
    except Exception as error:
        registry.remove_files(request)
        return {"outputs": [], "unsaved": [unsaved(model.name, model.value, reason_of(error))]}
    _state.exported[number] = exported
    return {"outputs": _described(model, exported, folder), "unsaved": []}


def _described(model: Model, exported: registry.Exported, folder: Path) -> list[dict[str, Any]]:
    metadata = {"variable": model.name, "class": registry.class_name(model.value), **exported.metadata}
    main = {
        "name": exported.files[0],
        "file": f"datasets/{exported.files[0]}",
        "ext": "onnx",
        "role": "model",
        "metadata": metadata,
    }
    if len(exported.files) == 1:
        return [main]
    parts = [
        {
            **main,
            "name": file,
            "file": f"datasets/{file}",
            "ext": "onnx" if file.endswith(".onnx") else "data",
        }
        for file in exported.files
    ]
    return [{**part, "collection": model.name, "element": part["name"]} for part in parts]


def _verify(number: int, folder: Path) -> dict[str, Any]:
    from perijove_lab.runner import verify

    exported = _state.exported.pop(number)
    if exported.sample is None:
        return {
            "metadata": {"verified": False, "max_difference": None, "reason": exported.metadata["reason"]}
        }
    try:
        verification = verify.verify(folder / exported.files[0], exported.sample)
    except Exception as error:
        return {"metadata": {"verified": False, "max_difference": None, "reason": reason_of(error)}}
    return {"metadata": verification.to_dict()}
