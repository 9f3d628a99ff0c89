"""What each environment is to hold: the short lists and exact locks of `environments/`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from perijove.core.errors import ConfigurationError, NotFoundError

_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
# Packages of ours in each environment, beside what the lock holds.
OWN_PACKAGES = {"platform": ("perijove",), "lab": ("perijove-lab",), "ai": ("perijove-lab",)}
OPTIONAL_NAMES = ("colabfold", "igfold")
_WITH_TORCH = ("ai", "igfold")


def source_tree() -> Path | None:
    """The clone that this code runs from (bootstrap, or an editable installation); None when installed."""
    root = Path(__file__).resolve().parents[5]
    return root if (root / "environments" / "platform" / "lock.txt").is_file() else None


def lists_folder() -> Path:
    """The folder `environments/`: the clone's, or the copy that the wheel of `perijove` carries."""
    if (tree := source_tree()) is not None:
        return tree / "environments"
    carried = Path(__file__).resolve().parent / "declared"
    if not carried.is_dir():
        raise ConfigurationError(
            "This installation of perijove lacks its list of environments.",
            advice="Start it with `make up`.",
        )
    return carried


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One environment as declared, for one variant (`cpu` or `gpu`)."""

    name: str
    variant: str
    folder: Path

    @property
    def lock(self) -> Path:
        """The exact versions for this variant."""
        own = self.folder / f"lock-{self.variant}.txt"
        return own if own.is_file() else self.folder / "lock.txt"

    @property
    def overrides(self) -> Path:
        """What wins over the needs that packages of this environment state; there may be no such file."""
        return self.folder / "overrides.txt"

    @property
    def own_packages(self) -> tuple[str, ...]:
        """Packages of this repository that it holds too."""
        return ("perijove-lab",) if self.name in OPTIONAL_NAMES else OWN_PACKAGES.get(self.name, ())

    @property
    def takes_torch(self) -> bool:
        """Whether PyTorch belongs to it, in the build that fits the machine."""
        return self.name in _WITH_TORCH

    @property
    def torch_lock(self) -> Path:
        """PyTorch and what it needs beyond this environment; only names it where there is no exact lock."""
        exact = self.folder.parent / "torch" / f"lock-{self.variant}.txt"
        return exact if exact.is_file() else self.folder.parent / "torch" / "packages.txt"

    def packages(self) -> dict[str, str]:
        """Name → version, as locked (the first of several that depend on the Python version)."""
        return locked_packages(self.lock)


def locked_packages(lock: Path) -> dict[str, str]:
    """Name → version of each line of a lock."""
    found: dict[str, str] = {}
    for line in lock.read_text().splitlines():
        if match := re.match(r"^([A-Za-z0-9._-]+)==([^\s;]+)", line):
            found.setdefault(match.group(1), match.group(2))
    return found


def declared(name: str, variant: str) -> Declared:
    """The environment `name`. NotFoundError lists those that exist."""
    folder = lists_folder() / name
    environment = Declared(name=name, variant=variant, folder=folder)
    names = [*declared_names(), *OPTIONAL_NAMES]
    if name in names and environment.lock.is_file():
        return environment
    raise NotFoundError(f"There is no environment named {name!r}.", advice=f"There are: {', '.join(names)}.")


def declared_names() -> list[str]:
    """Names of the environments that every platform has."""
    return [name for name in ("platform", "lab", "tools", "ai") if (lists_folder() / name).is_dir()]


def package_name(requirement: str) -> str:
    """`Scikit_Learn[x]>=1` → `scikit-learn`."""
    match = _NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", match.group(1)).lower() if match else ""
