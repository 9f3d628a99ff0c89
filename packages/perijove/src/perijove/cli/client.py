"""What commands share: the settings in force, the running platform, and its administrator's client."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from perijove.core.errors import ConfigurationError, ConflictError, NotFoundError
from perijove.core.settings import Settings, load_settings

if TYPE_CHECKING:
    from perijove.hub.client import HubClient
    from perijove.sandbox.launcher import Launcher


def settings_in_force() -> Settings:
    """The settings; where a platform runs on this home, with what its start changed (`--single-user`).

    A home of an ordinary account's own can only be a single user's.
    """
    from perijove.supervisor.presence import is_supervised, read_presence

    settings = load_settings()
    found = read_presence(settings.layout) if is_supervised(settings.layout) else None
    single_user = found.single_user if found is not None else settings.single_user or _is_own(settings)
    return settings if single_user == settings.single_user else load_settings(single_user=single_user)


def _is_own(settings: Settings) -> bool:
    return settings.home.exists() and settings.home.stat().st_uid == os.geteuid() != 0


def admin_client(settings: Settings) -> HubClient:
    """The hub's client with the platform's internal token.

    ConfigurationError where this account may not read it, ConflictError where nothing runs.
    """
    from perijove.hub.client import HubClient
    from perijove.supervisor.presence import is_supervised

    if not settings.single_user and os.geteuid() != 0:
        raise ConfigurationError(
            "Administration needs root: the platform's secrets are readable by nobody else.",
            advice="Use sudo.",
        )
    if not is_supervised(settings.layout):
        raise ConflictError(f"Perijove does not run on {settings.home}.", advice="`perijove up` starts it.")
    return HubClient(settings)


def key_for(
    person: str, settings: Settings, *, note: str = "command line", expires_in: int | None = None
) -> str:
    """A key with which the history server takes a command for this person's. NotFoundError where they have no
    access (any more); else as `admin_client`."""
    client = admin_client(settings)
    if person not in {one["name"] for one in client.people() if one["approved"]}:
        raise NotFoundError(
            f"Nobody named {person} has access.",
            advice="`perijove user list` shows everybody; `user add` lets them in.",
        )
    return client.new_token(person, note=note, expires_in=expires_in)


def launcher(settings: Settings) -> Launcher:
    """The launcher of labs and jobs; it needs no running platform."""
    from perijove.sandbox import connect_launcher

    return connect_launcher(settings)
