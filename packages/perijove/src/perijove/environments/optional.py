"""Environments that an administrator installs on purpose: each a kernel of its own, for labs and jobs alike.

An environment is wanted from the moment its folder exists, and offered once its kernel is registered, which
comes last: an installation that was cut off is mended by the next start and offers nothing until then.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from perijove.core.errors import ConflictError, NotFoundError, PerijoveError
from perijove.core.layout import Layout
from perijove.environments.declared import lists_folder
from perijove.environments.install import Installer, open_to_all
from perijove.environments.kernels import forget_kernel, register_kernel, registered_prefix
from perijove.environments.stamps import Stamp, digest, only_one
from perijove.environments.weights import provide_weights


@dataclass(frozen=True, kw_only=True)
class OptionalEnvironment:
    """One environment that nobody gets without asking. Its name is its kernel's too."""

    name: str
    title: str
    about: str
    needs_torch: bool = False

    @property
    def folder(self) -> Path:
        """Its lists."""
        return lists_folder() / self.name

    @property
    def licence(self) -> Path | None:
        """What must be accepted before anything of it is fetched; None where it is free for every use."""
        file = self.folder / "licence.md"
        return file if file.is_file() else None


OPTIONAL = {
    one.name: one
    for one in (
        OptionalEnvironment(
            name="colabfold", title="ColabFold", about="structures of proteins, from their sequence"
        ),
        OptionalEnvironment(
            name="igfold",
            title="IgFold (antibodies)",
            about="structures of antibodies, with its weights; not for commercial use",
            needs_torch=True,
        ),
    )
}


def find(name: str) -> OptionalEnvironment:
    """NotFoundError lists those that exist."""
    if name in OPTIONAL:
        return OPTIONAL[name]
    raise NotFoundError(
        f"There is no optional environment {name!r}.",
        advice=f"There are: {', '.join(f'{one.name} ({one.about})' for one in OPTIONAL.values())}.",
    )


def wanted(layout: Layout) -> list[str]:
    """Those that were asked for, finished or not."""
    return [name for name in OPTIONAL if (layout.environments / name).is_dir()]


def offered(layout: Layout) -> frozenset[str]:
    """Those whose kernel labs and jobs can use now."""
    return frozenset(name for name in wanted(layout) if _is_registered(layout, name))


def _is_registered(layout: Layout, name: str) -> bool:
    prefix = registered_prefix(layout, name)
    return bool(prefix) and Path(prefix).resolve() == (layout.environments / name).resolve()


def install_optional(installer: Installer, name: str) -> Stamp:
    """Install `name`, with its weights, and offer its kernel; quick where all is there.

    ConflictError where its licence is not accepted (`accept`), PerijoveError where PyTorch is needed and
    cannot be had.
    """
    environment = find(name)
    if not is_accepted(installer.layout, environment):
        raise ConflictError(
            f"{environment.title} is under a licence that was not accepted here.",
            advice=f"Read it and accept it: `perijove env install {name}`.",
        )
    stamp = installer.ensure(name, look_for_torch=environment.needs_torch)
    if environment.needs_torch and not stamp.torch:
        raise PerijoveError(
            f"{environment.title} needs PyTorch, and {stamp.torch_absent_because}.",
            advice=f"Name an index that has it in pip's configuration, then `perijove env install {name}`.",
        )
    with only_one(installer.path(name)):
        provide_weights(installer, name)
        if installer.for_everybody:
            open_to_all(installer.path(name) / "share")
    register_kernel(
        installer.layout, name=name, display_name=environment.title, report=installer.report, default=False
    )
    return stamp


def renew_optional(installer: Installer) -> list[Stamp]:
    """Bring those that were asked for up to date. One that cannot be had is told of, and stops nothing."""
    stamps = []
    for name in wanted(installer.layout):
        try:
            stamps.append(install_optional(installer, name))
        except PerijoveError as error:
            installer.report(f"{name}: {error.message} {error.advice}".strip())
    return stamps


def remove_optional(layout: Layout, name: str) -> None:
    """Take `name` away, its kernel first. Packages that users added over it stay in their homes.

    ConflictError where it is not installed. Kernels and jobs that run in it break.
    """
    environment = find(name)
    path = layout.environments / name
    if not path.is_dir():
        raise ConflictError(
            f"{environment.title} is not installed.", advice="`perijove env list` shows what is."
        )
    with only_one(path):
        forget_kernel(layout, name)
        shutil.rmtree(path)
        _acceptance(layout, name).unlink(missing_ok=True)


# ------------------------------------------------------------------ licences


def is_accepted(layout: Layout, environment: OptionalEnvironment) -> bool:
    """Whether the licence, in the words that it has now, was accepted; true where there is none."""
    if environment.licence is None:
        return True
    try:
        accepted = json.loads(_acceptance(layout, environment.name).read_text())
    except (OSError, ValueError):
        return False
    return isinstance(accepted, dict) and accepted.get("licence") == digest(environment.licence)


def accept(layout: Layout, environment: OptionalEnvironment) -> None:
    """Note that the licence was accepted: which words, when, by which account of the machine."""
    if environment.licence is None:
        return
    note = {
        "licence": digest(environment.licence),
        "accepted": datetime.now(UTC).isoformat(timespec="seconds"),
        "uid": os.getuid(),
    }
    file = _acceptance(layout, environment.name)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(json.dumps(note, indent=1) + "\n")
    new.replace(file)


def _acceptance(layout: Layout, name: str) -> Path:
    return layout.root / "environments" / f"{name}-licence.json"
