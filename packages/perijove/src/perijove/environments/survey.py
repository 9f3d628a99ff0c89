"""What is installed now, for people and programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from perijove.core.layout import Layout
from perijove.environments.declared import OPTIONAL_NAMES, declared_names
from perijove.environments.extras import read_extras
from perijove.environments.stamps import read_stamp


@dataclass(frozen=True, kw_only=True)
class Found:
    """One environment as it stands on the disk."""

    name: str
    path: str
    state: str
    variant: str = ""
    packages: int = 0
    torch: str = ""
    torch_absent_because: str = ""
    extras: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """One line for people."""
        if self.state != "installed":
            return self.state
        parts = [self.variant, f"{self.packages} packages"]
        parts += [f"PyTorch {self.torch}"] if self.torch else []
        parts += [f"no PyTorch: {self.torch_absent_because}"] if self.torch_absent_because else []
        parts += [f"added: {', '.join(self.extras)}"] if self.extras else []
        return " · ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def survey(layout: Layout) -> list[Found]:
    """Every declared environment, in order; the optional ones last."""
    return [_look(layout, name) for name in (*declared_names(), *OPTIONAL_NAMES)]


def _look(layout: Layout, name: str) -> Found:
    path = layout.environments / name
    stamp = read_stamp(path)
    if stamp is None:
        state = "unfinished: `perijove up` mends it" if path.exists() else _absent(name)
        return Found(name=name, path=str(path), state=state, extras=read_extras(layout.root, name))
    return Found(
        name=name,
        path=str(path),
        state="installed",
        variant=stamp.variant,
        packages=_count(path),
        torch=stamp.torch,
        torch_absent_because=stamp.torch_absent_because,
        extras=stamp.extras,
    )


def _absent(name: str) -> str:
    return f"optional: `perijove env install {name}`" if name in OPTIONAL_NAMES else "not installed"


def _count(path: Path) -> int:
    return sum(1 for _ in path.glob("lib/python3*/site-packages/*.dist-info"))
