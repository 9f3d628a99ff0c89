"""The images made by Perijove that are here now."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from perijove.core.resources import format_size
from perijove.images.engine import Engine


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image. `size` in bytes, all layers together."""

    name: str
    variant: str
    size: int
    created: str
    packages: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """One line for people."""
        parts = [self.variant, format_size(self.size), f"made {self.created[:16].replace('T', ' ')}"]
        parts += [f"added: {', '.join(self.packages)}"] if self.packages else []
        return " · ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def list_images(engine: Engine) -> list[Image]:
    """By name. PerijoveError where the engine does not answer."""
    names = engine.ask("images", "--quiet", "--no-trunc", "--filter", "label=org.perijove.image=lab").split()
    found = [image for identity in dict.fromkeys(names) for image in _described(engine, identity)]
    return sorted(found, key=lambda image: image.name)


def _described(engine: Engine, identity: str) -> list[Image]:
    details = json.loads(engine.ask("image", "inspect", identity))[0]
    labels = (details.get("Config") or {}).get("Labels") or {}
    return [
        Image(
            name=name.removeprefix("localhost/"),
            variant=labels.get("org.perijove.variant", ""),
            size=details["Size"],
            created=details["Created"],
            packages=tuple(str(labels.get("org.perijove.packages", "")).split()),
        )
        for name in details.get("RepoTags") or []
    ]
