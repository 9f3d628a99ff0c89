"""Users over HTTP."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SecretStr

from perijove.histories.schemas.common import Answer, EncodedId, Request


class UserCreate(Request):
    """A user whom the hub signs in (Galaxy's `create_remote_user`)."""

    remote_user_email: str = Field(max_length=255, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$")


class UserSummary(Answer):
    """A user in a list."""

    model_class: Literal["User"] = "User"
    id: EncodedId
    username: str
    email: str
    active: bool = True
    deleted: bool = False
    purged: bool = False


class UserDetail(UserSummary):
    """A user with what they keep and may keep."""

    is_admin: bool
    total_disk_usage: int = Field(description="bytes")
    nice_total_disk_usage: str
    quota_bytes: int | None = Field(description="bytes; null: no limit")
    quota: str
    quota_percent: int | None
    preferences: dict[str, Any] = Field(default_factory=dict)
    tags_used: list[str] = Field(default_factory=list)


class LinkGalaxy(Request):
    """An account of a Galaxy."""

    url: str = Field(max_length=1000)
    key: SecretStr = Field(max_length=512)


class LinkedGalaxy(Answer):
    """The linked account, without its key."""

    url: str | None = Field(description="null: none is linked")
    user: str | None = Field(default=None, description="the account's name there, where it was just linked")
    allowed: list[str] = Field(description="the Galaxies that may be linked here")
