"""Rooms: labs that their owner shares with others, by the hub's own shares and share codes.

A room is a named server with an account of its own: those who are invited see its files and run code in it,
and meet neither the owner's home nor their histories. Its token opens nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from jupyterhub import orm  # type: ignore[import-untyped]
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from perijove.core.errors import BadRequestError, ConflictError, ForbiddenError, NotFoundError
from perijove.core.settings import Sharing

PREFIX = "room-"
# What a room's token may do: say that the room is alive. Whoever is inside can read it.
ROOM_SCOPES = ["users:activity!user", "read:users:name!user"]
INVITATION_SECONDS = 7 * 24 * 3600
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?")
_EXPEL_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Room:
    """A room as its owner sees it."""

    name: str
    server: str
    url: str
    running: bool
    pending: bool
    guests: tuple[str, ...]
    invitations: int


@dataclass(frozen=True, kw_only=True)
class OtherRoom:
    """A room that somebody shares with the user."""

    name: str
    owner: str
    url: str
    running: bool


def is_room(server: str) -> bool:
    """Whether a named server is a room."""
    return server.startswith(PREFIX)


def account_name(owner: str, server: str) -> str:
    """Whose account a room runs as: nobody's who could sign in."""
    return f"{owner}/{server}"


def rooms_of(user: Any) -> list[Room]:
    """The user's rooms, by name."""
    found = [orm_spawner for orm_spawner in user.orm_user._orm_spawners if is_room(orm_spawner.name)]
    return [_room(user, orm_spawner) for orm_spawner in sorted(found, key=lambda one: one.name)]


def _room(user: Any, orm_spawner: Any) -> Room:
    spawner = user.spawners[orm_spawner.name]
    guests = sorted(share.user.name for share in orm_spawner.shares if share.user)
    return Room(
        name=orm_spawner.name.removeprefix(PREFIX),
        server=orm_spawner.name,
        url=user.server_url(orm_spawner.name),
        running=bool(spawner.ready),
        pending=bool(spawner.pending),
        guests=tuple(guests),
        invitations=sum(1 for code in orm_spawner.share_codes if not code.expired),
    )


def shared_with(handler: Any, user: Any) -> list[OtherRoom]:
    """Rooms of others that the user may enter."""
    found = []
    for share in user.orm_user.shared_with_me:
        owner = handler._user_from_orm(share.owner)
        spawner = owner.spawners[share.spawner.name]
        found.append(
            OtherRoom(
                name=share.spawner.name.removeprefix(PREFIX),
                owner=owner.name,
                url=owner.server_url(share.spawner.name),
                running=bool(spawner.ready),
            )
        )
    return sorted(found, key=lambda room: (room.owner, room.name))


def make(user: Any, name: str, *, most: int) -> str:
    """A new room's server name. BadRequestError for a name that cannot be, ConflictError over the limit."""
    if not _NAME.fullmatch(name):
        raise BadRequestError(
            "This name cannot be used.", advice="Use up to 24 small letters, digits and dashes."
        )
    named = [one.name for one in user.orm_user._orm_spawners if one.name]
    if f"{PREFIX}{name}" in named:
        raise ConflictError("You have a room of this name.", advice="Choose another name, or use that one.")
    if len(named) >= most:
        raise ConflictError(
            f"You have {len(named)} labs and rooms beside your own, and may have {most}.",
            advice="Remove one first.",
        )
    return str(user.get_or_create_spawner(f"{PREFIX}{name}", name).name)


def find(user: Any, server: str) -> Any:
    """The hub's record of the user's own room. NotFoundError where it is no room, or not theirs."""
    for orm_spawner in user.orm_user._orm_spawners:
        if orm_spawner.name == server and is_room(server):
            return orm_spawner
    raise NotFoundError("You have no such room.", advice="Look at the list of your rooms.")


def invite_by_link(db: Any, room: Any, sharing: Sharing, public_url: str) -> str:
    """A link that lets whoever has it in, for a week; the only copy. It takes the place of an earlier one."""
    if sharing != "everybody":
        raise ForbiddenError(
            "Invitations by link are off here.", advice="Invite people of your groups by their names."
        )
    take_back_links(db, room)
    _, code = orm.ShareCode.new(db, room, scopes=_scopes(room), expires_in=INVITATION_SECONDS)
    return f"{public_url}/hub/accept-share?code={code}"


def take_back_links(db: Any, room: Any) -> None:
    """No invitation to this room can be accepted any more; who is a guest stays one."""
    for code in list(room.share_codes):
        db.delete(code)
    db.commit()


def invite_by_name(db: Any, room: Any, sharing: Sharing, name: str) -> None:
    """Let a user in. NotFoundError for somebody whom the settings do not let the owner invite."""
    guest = orm.User.find(db, name)
    if guest is None or guest is room.user or not _may_invite(room.user, guest, sharing):
        where = "" if sharing == "everybody" else " in your groups"
        raise NotFoundError(f"There is nobody named {name}{where}.", advice="Ask them for their name here.")
    orm.Share.grant(db, room, guest, _scopes(room))


def _may_invite(owner: Any, guest: Any, sharing: str) -> bool:
    if sharing == "groups":
        return bool({group.name for group in owner.groups} & {group.name for group in guest.groups})
    return sharing == "everybody"


def take_back_what_is_off(db: Any, sharing: str) -> list[tuple[str, str, str]]:
    """End what was given under a more generous setting; who was shut out: owner, server, guest.

    Under `nobody` that is every share, under `groups` those of people who have no group in common, and under
    both every invitation link, as well as shares with whole groups, which rooms do not know.
    """
    if sharing == "everybody":
        return []
    for given in [*db.query(orm.ShareCode), *db.query(orm.Share).filter(orm.Share.user_id.is_(None))]:
        db.delete(given)
    db.commit()
    off = [share for share in db.query(orm.Share) if not _may_invite(share.owner, share.user, sharing)]
    found = [(share.owner.name, share.spawner, share.user.name) for share in off]
    for _, room, guest in found:
        revoke(db, room, guest)
    return [(owner, room.name, guest) for owner, room, guest in found]


def _scopes(room: Any) -> list[str]:
    return [f"access:servers!server={room.user.name}/{room.name}"]


def revoke(db: Any, room: Any, name: str) -> None:
    """The guest may enter no more: neither by an open link nor by the key that the room knows."""
    guest = orm.User.find(db, name)
    if guest is None:
        raise NotFoundError(f"There is nobody named {name}.")
    orm.Share.revoke(db, room, guest)
    take_back_links(db, room)
    for token in [one for one in guest.api_tokens if one.client_id == room.oauth_client_id]:
        db.delete(token)
    db.commit()


async def expel(user: Any, room: Any, guest: str) -> bool:
    """Make a running room end the guest's connections, and ask everybody who comes anew who they are.

    False where it does not do so at once: then it has to be stopped.
    """
    spawner = user.spawners[room.name]
    if not spawner.ready:
        return True
    key = user.orm_user.new_api_token(note="rooms", expires_in=60, scopes=_scopes(room))
    request = HTTPRequest(
        f"{await spawner.get_url()}perijove/share/expel",
        method="POST",
        body=json.dumps({"user": guest}),
        headers={"Authorization": f"token {key}", "Content-Type": "application/json"},
        request_timeout=_EXPEL_SECONDS,
    )
    try:
        answer = await AsyncHTTPClient().fetch(request)
    except (HTTPClientError, OSError):
        return False
    return bool(answer.code == 204)
