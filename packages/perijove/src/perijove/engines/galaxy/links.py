"""Which Galaxy account a user of the hub has linked: its address and key, for the platform's account only.

One file per user below `state/galaxy-links`, mode 0600. Addresses are those that an administrator listed
(`jobs.galaxies`): the server would otherwise send requests wherever its users say.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from perijove.core.errors import BadRequestError, ConfigurationError, ForbiddenError, StorageError
from perijove.core.settings import Settings

HOW_TO_LINK = "Link one with PUT /api/users/current/galaxy, or ask an administrator: `perijove galaxy link`."
_LONGEST_KEY = 512


class GalaxyLink(BaseModel):
    """An account of a Galaxy. Printing it does not show the key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    key: SecretStr


class GalaxyLinks:
    """The links of an installation's users. For use from any thread and process."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.layout.state / "galaxy-links"
        try:
            self.allowed = tuple(plain_url(url) for url in settings.jobs.galaxies)
        except BadRequestError as error:
            raise ConfigurationError(f"jobs.galaxies: {error.message}", advice=error.advice) from error

    def checked(self, url: str, key: str) -> GalaxyLink:
        """A link that may be kept. ForbiddenError for an unlisted address, BadRequestError for no key."""
        address = plain_url(url)
        if address not in self.allowed:
            listed = f"You may link: {', '.join(self.allowed)}." if self.allowed else ""
            raise ForbiddenError(
                "That Galaxy may not be linked here.",
                advice=listed or "Ask an administrator to name it in the setting jobs.galaxies.",
            )
        if not (0 < len(key) <= _LONGEST_KEY and key.isascii() and key.isprintable() and " " not in key):
            raise BadRequestError(
                "This is no API key of a Galaxy.",
                advice="Galaxy shows it under User, Preferences, Manage API key.",
            )
        return GalaxyLink(url=address, key=SecretStr(key))

    def get(self, owner: str) -> GalaxyLink | None:
        """The user's link; None where there is none, or where its address is not allowed any more."""
        try:
            link = GalaxyLink.model_validate_json(self._path(owner).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValidationError:  # the error itself would show what is in the file
            return None
        except OSError as error:
            raise StorageError(f"The link to Galaxy cannot be read: {error.strerror}.") from error
        return link if link.url in self.allowed else None

    def put(self, owner: str, link: GalaxyLink) -> None:
        """Keep the link, in place of an earlier one. StorageError where the disk fails."""
        text = json.dumps({"url": link.url, "key": link.key.get_secret_value()})
        write_private(self._path(owner), text.encode())

    def remove(self, owner: str) -> bool:
        """Forget the link; False where there was none."""
        try:
            self._path(owner).unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StorageError(f"The link to Galaxy cannot be removed: {error.strerror}.") from error
        return True

    def _path(self, owner: str) -> Path:
        return self._folder / f"{hashlib.sha256(owner.encode()).hexdigest()}.json"


def plain_url(url: str) -> str:
    """`url` in the one form in which addresses are compared. BadRequestError where it is no address."""
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise BadRequestError("This is no address of a Galaxy.") from None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise BadRequestError(
            "This is no address of a Galaxy.", advice="It looks like https://usegalaxy.example.org."
        )
    if parts.username or parts.password:
        raise BadRequestError("An address with a password in it is refused.")
    usual = {"http": 80, "https": 443}[parts.scheme]
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if port in (None, usual) else f"{shown}:{port}"
    return f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}"


def write_private(path: Path, content: bytes) -> None:
    """Write a whole file or none, mode 0600 from its first moment. StorageError where the disk fails."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise StorageError(f"{path.parent.name} cannot be written: {error.strerror}.") from error
