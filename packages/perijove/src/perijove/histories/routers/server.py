"""The server: version, configuration, types, users."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from perijove import __version__
from perijove.histories.datatypes.registry import DATATYPES
from perijove.histories.dependencies import Administrator, Here, Id, Me, Viewer
from perijove.histories.schemas.common import Limit, Offset
from perijove.histories.schemas.server import Configuration, Datatype, Version
from perijove.histories.schemas.users import UserCreate, UserDetail, UserSummary
from perijove.histories.services import users
from perijove.histories.services.tus import CHUNK_ADVISED

GALAXY_RELEASE = "26.1"
router = APIRouter(prefix="/api", tags=["server"])


@router.get("/version")
def version() -> Version:
    """Which Galaxy's API this is."""
    return Version(version_major=GALAXY_RELEASE, version_minor="perijove", extra={"perijove": __version__})


@router.get("/configuration")
def configuration(here: Here, _viewer: Viewer) -> Configuration:
    """What a client may want to know."""
    settings = here.settings
    return Configuration(
        brand="Perijove",
        version_major=GALAXY_RELEASE,
        version_minor="perijove",
        single_user=settings.single_user,
        enable_quotas=settings.histories.quota > 0,
        chunk_upload_size=CHUNK_ADVISED,
        max_upload=settings.histories.max_upload,
        fetch_hosts=list(settings.histories.fetch_hosts),
        galaxy_url=settings.galaxy_url,
    )


@router.get("/datatypes")
def datatypes(extension_only: bool = True, upload_only: bool = True) -> list[str] | list[Datatype]:
    """The types that datasets may have."""
    if extension_only:
        return sorted(DATATYPES)
    return [Datatype(extension=t.ext, description=t.description, mimetype=t.mime) for t in DATATYPES.values()]


@router.get("/datatypes/mapping")
def datatypes_mapping() -> dict[str, str]:
    """Extension to media type."""
    return {datatype.ext: datatype.mime for datatype in DATATYPES.values()}


@router.get("/datatypes/sniffers")
def sniffers() -> list[str]:
    """Types that are recognised from content."""
    return sorted(DATATYPES)


@router.get("/whoami")
def whoami(here: Here, me: Viewer) -> UserDetail | None:
    """The caller; null without a key."""
    if me is None:
        return None
    with here.database.read() as session:
        return users.detail(session, me, me.id, here.settings)


@router.get("/users")
def list_users(
    here: Here,
    me: Me,
    f_name: Annotated[str, Query(max_length=255)] = "",
    f_any: Annotated[str, Query(max_length=255)] = "",
    f_email: Annotated[str, Query(max_length=255)] = "",
    limit: Limit = 1000,
    offset: Offset = 0,
) -> list[UserSummary]:
    """Everybody (administrators), or oneself."""
    with here.database.read() as session:
        return users.search(session, me, f_name or f_any or f_email, limit=limit, offset=offset)


@router.post("/users")
def register_user(here: Here, _me: Administrator, request: UserCreate) -> UserSummary:
    """Make a user known before their first visit (administrators); who signs in is the hub's to say."""
    with here.database.write() as session:
        return users.register(session, request.remote_user_email)


@router.get("/users/current")
def current_user(here: Here, me: Me) -> UserDetail:
    """The caller."""
    with here.database.read() as session:
        return users.detail(session, me, me.id, here.settings)


@router.get("/users/{user_id}")
def show_user(here: Here, me: Me, user_id: Id) -> UserDetail:
    """Oneself, or (administrators) anybody."""
    with here.database.read() as session:
        return users.detail(session, me, user_id, here.settings)


@router.get("/users/{user_id}/credentials")
def list_credentials(here: Here, me: Me, user_id: Id) -> list[dict[str, str]]:
    """Credentials kept for tools: always none, since no tool here asks for any."""
    with here.database.read() as session:
        users.detail(session, me, user_id, here.settings)
    return []
