"""Stage: make every input appear in the working directory under the very path that the code names."""

from __future__ import annotations

import os
from pathlib import Path

from perijove_lab.runner.errors import SpecError
from perijove_lab.runner.spec import InputSpec

_NAME_LIMIT = 255  # bytes of one path component, on every file system in use


def stage(inputs: tuple[InputSpec, ...], work: Path) -> None:
    """Link each input below `work`; nothing is copied and no source is changed.

    Idempotent: a link that already leads to the same source stays. Raises SpecError for a path that is
    absolute outside `work`, leaves it, collides with another or cannot be made, and for a missing source.
    """
    taken: dict[Path, InputSpec] = {}
    for item in inputs:
        target = work / _relative(item.path, work)
        _refuse_collision(target, item, taken)
        _refuse_missing(item)
        _link(item, target, work)
        taken[target] = item


def _relative(path: str, work: Path) -> Path:
    inside = os.path.relpath(os.path.normpath(path), work) if os.path.isabs(path) else os.path.normpath(path)
    parts = Path(inside).parts
    if not parts:
        raise _refused(path, "it names the working directory itself")
    if ".." in parts:
        raise _refused(path, "it leaves the working directory")
    if any(len(os.fsencode(part)) > _NAME_LIMIT for part in parts):
        raise _refused(path, f"a name in it is longer than {_NAME_LIMIT} bytes")
    return Path(inside)


def _refused(path: str, reason: str) -> SpecError:
    shown = path if len(path) <= 120 else path[:117] + "…"
    return SpecError(
        f"The input path {shown!r} cannot be used: {reason}.",
        advice="Give the path relative to the notebook, as the code opens it, for example data/ct.h5.",
    )


def _refuse_collision(target: Path, item: InputSpec, taken: dict[Path, InputSpec]) -> None:
    if target in taken:
        raise _refused(item.path, f"the input {taken[target].name!r} already has it")
    for other in taken:
        if other in target.parents or target in other.parents:
            raise _refused(item.path, f"it lies inside, or holds, the input path {taken[other].path!r}")


def _refuse_missing(item: InputSpec) -> None:
    if not item.source.is_file():
        raise SpecError(
            f"The input {item.name!r} for {item.path!r} is missing: {item.source} is no file.",
            advice="Check that the dataset still exists and is ok, then send the job again.",
        )
    if not os.access(item.source, os.R_OK):
        raise SpecError(f"The input {item.name!r} may not be read by this job ({item.source}).")


def _link(item: InputSpec, target: Path, work: Path) -> None:
    folders = (target.parent, (work / item.path).parent)  # `data/../ct.h5` needs a folder `data`
    if not all(folder.resolve().is_relative_to(work.resolve()) for folder in folders):
        raise _refused(item.path, "a link on its way leaves the working directory")
    try:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        if target.is_symlink() and target.resolve() == item.source.resolve():
            return
        target.symlink_to(item.source)
    except FileExistsError as error:
        raise _refused(item.path, "something else already stands there") from error
    except OSError as error:
        raise _refused(item.path, error.strerror or type(error).__name__) from error
