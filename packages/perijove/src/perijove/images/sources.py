"""Where a build gets packages from: the machine's own indexes and certificates, mounted and in no layer."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from perijove.core.errors import ConfigurationError
from perijove.environments.indexes import uv_environment
from perijove.images.engine import Engine

_PIP = {
    "index-url": "PIP_INDEX_URL",
    "extra-index-url": "PIP_EXTRA_INDEX_URL",
    "find-links": "PIP_FIND_LINKS",
    "trusted-host": "PIP_TRUSTED_HOST",
}
_HERE_ONLY = ("SSL_CERT_FILE",)


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What a build is told about indexes. `indexes` may hold passwords: shown nowhere."""

    indexes: str
    certificates: Path | None
    folders: tuple[Path, ...]

    def __repr__(self) -> str:
        return f"Sources(certificates={self.certificates}, folders={self.folders})"


def sources(
    configuration: Mapping[str, str], environ: Mapping[str, str], certificates: Path | None = None
) -> Sources:
    """From pip's configuration and the environment.

    `certificates` goes before those that pip or SSL_CERT_FILE name.
    """
    told = {_PIP[name]: " ".join(value.split()) for name, value in configuration.items() if name in _PIP}
    kept = {name: value for name, value in environ.items() if name.startswith("UV_") and "INDEX" in name}
    told |= kept | uv_environment(configuration, environ)
    lines = [
        f"export {name}={shlex.quote(value)}\n"
        for name, value in sorted(told.items())
        if name not in _HERE_ONLY
    ]
    return Sources(
        indexes="".join(lines),
        certificates=certificates or _named(configuration, environ),
        folders=tuple(_folders(configuration)),
    )


def _named(configuration: Mapping[str, str], environ: Mapping[str, str]) -> Path | None:
    named = configuration.get("cert") or environ.get("SSL_CERT_FILE")
    return Path(named) if named and Path(named).is_file() else None


def _folders(configuration: Mapping[str, str]) -> Iterator[Path]:
    """Folders of this machine that serve as an index. The pages of one lead to files beside it."""
    for option in ("find-links", "extra-index-url", "index-url"):
        for place in configuration.get(option, "").split():
            path = Path(unquote(urlsplit(place).path)) if place.startswith("file:") else Path(place)
            if path.is_absolute() and path.is_dir():
                yield path if option == "find-links" else path.parent


@contextmanager
def mounted(found: Sources, engine: Engine) -> Iterator[list[str]]:
    """Options of `build` that let it see the sources, for as long as it runs.

    ConfigurationError where certificates are missing, or docker would have to see a folder.
    """
    if found.certificates is not None and not found.certificates.is_file():
        raise ConfigurationError(
            f"There are no certificates in {found.certificates}.", advice="Name a PEM file by --ca."
        )
    if found.folders and engine.kind == "docker":
        raise ConfigurationError(
            f"Docker cannot see pip's folder {found.folders[0]} while it builds.",
            advice="Use --engine podman, or take the folder out of pip's configuration for this command.",
        )
    with TemporaryDirectory(prefix="perijove-indexes-") as folder:
        file = Path(folder) / "indexes"
        file.touch(mode=0o600)
        file.write_text(found.indexes)
        options = [f"--secret=id=indexes,src={file}"]
        if found.certificates is not None:
            options.append(f"--secret=id=ca,src={os.path.realpath(found.certificates)}")
        yield options + [f"--volume={path}:{path}:ro" for path in dict.fromkeys(found.folders)]
