"""The hub's own secrets and private ports: made once, kept below `state/`, mode 0600, never logged."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path
from typing import Self, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_serializer

from perijove.core.errors import ConfigurationError
from perijove.core.layout import Layout

Owner = tuple[int, int]
_Model = TypeVar("_Model", bound=BaseModel)
# Below the range that the kernel takes ports of outgoing connections from.
_PORTS = range(20_000, 32_768)
_CHANCE = secrets.SystemRandom()


class Secrets(BaseModel):
    """Tokens between the platform's own processes, and the key that signs session cookies (hex)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    proxy_token: SecretStr
    galaxy_token: SecretStr
    admin_token: SecretStr
    cookie_secret: SecretStr

    @classmethod
    def new(cls) -> Self:
        """Fresh ones, 256 bits each."""
        return cls(**{name: SecretStr(secrets.token_hex(32)) for name in cls.model_fields})

    @field_serializer("*")
    def _reveal(self, value: SecretStr) -> str:
        return value.get_secret_value()


class Ports(BaseModel):
    """Private ports on loopback; `door` and `outer_api` serve only where there is an outer door."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hub: int
    proxy_api: int
    histories: int
    door: int
    outer_api: int

    @classmethod
    def choose(cls) -> Self:
        """Ports that nobody listens on now, all different."""
        chosen: set[int] = set()
        while len(chosen) < len(cls.model_fields):
            chosen.add(free_port())
        return cls(**dict(zip(cls.model_fields, chosen, strict=True)))

    def taken(self) -> list[int]:
        """Those that somebody listens on now."""
        return [number for number in self.model_dump().values() if not is_free(number)]


def free_port() -> int:
    """A port on loopback that nobody listens on now, outside the range from which connections get theirs."""
    while not is_free(port := _CHANCE.choice(_PORTS)):
        continue
    return port


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of the loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def hub_directory(layout: Layout) -> Path:
    """The hub's own state: its database, secrets and cookie key; mode 0700."""
    return layout.state / "hub"


def cookie_secret_file(layout: Layout) -> Path:
    """The key that signs session cookies, where JupyterHub reads it."""
    return hub_directory(layout) / "cookie_secret"


def read_secrets(layout: Layout) -> Secrets:
    """The secrets on disk. ConfigurationError where `prepare` has not run, or the file is damaged."""
    return _read(_secrets_file(layout), Secrets)


def read_ports(layout: Layout) -> Ports:
    """The ports on disk. ConfigurationError where `prepare` has not run, or the file is damaged."""
    return _read(_ports_file(layout), Ports)


def prepare(layout: Layout, owner: Owner | None = None) -> Ports:
    """Make what is missing of secrets and ports and give it to `owner`. Ports that others took meanwhile are
    chosen anew, so call it only while no process of the platform runs."""
    for directory in (layout.state, hub_directory(layout)):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _give(directory, owner)
    _keep_secrets(layout, owner)
    return _keep_ports(layout, owner)


def _keep_secrets(layout: Layout, owner: Owner | None) -> None:
    path = _secrets_file(layout)
    kept = read_secrets(layout) if path.exists() else Secrets.new()
    if not path.exists():
        write_private(path, kept.model_dump_json(), owner)
    write_private(cookie_secret_file(layout), kept.cookie_secret.get_secret_value(), owner)


def _keep_ports(layout: Layout, owner: Owner | None) -> Ports:
    path = _ports_file(layout)
    if path.exists() and not (kept := read_ports(layout)).taken():
        return kept
    ports = Ports.choose()
    write_private(path, ports.model_dump_json(), owner)
    return ports


def write_private(path: Path, text: str, owner: Owner | None = None) -> None:
    """Write a whole file or none, mode 0600 from its first moment."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    _give(temporary, owner)
    temporary.replace(path)


def _give(path: Path, owner: Owner | None) -> None:
    if owner is not None:
        os.chown(path, *owner)


def _secrets_file(layout: Layout) -> Path:
    return hub_directory(layout) / "secrets.json"


def _ports_file(layout: Layout) -> Path:
    return layout.state / "ports.json"


def _read(path: Path, model: type[_Model]) -> _Model:
    try:
        return model.model_validate_json(path.read_text())
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{path} is missing.", advice="Start the platform with `perijove up`."
        ) from error
    except PermissionError as error:
        raise ConfigurationError(
            f"{path} may not be read by this account.",
            advice="Run this as the account that runs the platform.",
        ) from error
    except ValidationError:
        # The error itself would show what is in the file.
        raise ConfigurationError(
            f"{path} is damaged.",
            advice="Stop the platform, delete the file and start again: it is made anew.",
        ) from None
