"""The Galaxy account that a user has linked, to which the engine `galaxy` sends jobs. No key is shown."""

from __future__ import annotations

from fastapi import APIRouter

from perijove.core.errors import BadRequestError
from perijove.engines.galaxy import GalaxyLinks
from perijove.engines.galaxy.errors import GalaxyKeyError
from perijove.engines.galaxy.remote import RemoteGalaxy
from perijove.histories.dependencies import Here, Me
from perijove.histories.schemas.users import LinkedGalaxy, LinkGalaxy

router = APIRouter(prefix="/api/users/current/galaxy", tags=["users"])


@router.get("")
def show_link(here: Here, me: Me) -> LinkedGalaxy:
    """Which Galaxy is linked, and which may be."""
    links = GalaxyLinks(here.settings)
    link = links.get(me.name)
    return LinkedGalaxy(url=link.url if link else None, allowed=list(links.allowed))


@router.put("")
def link_galaxy(here: Here, me: Me, wanted: LinkGalaxy) -> LinkedGalaxy:
    """Link an account, in place of an earlier one. The key is tried first; a wrong one changes nothing."""
    links = GalaxyLinks(here.settings)
    link = links.checked(wanted.url, wanted.key.get_secret_value())
    with RemoteGalaxy(link) as remote:
        try:
            user = remote.user()
        except GalaxyKeyError as error:
            raise BadRequestError(
                f"{link.url} does not accept the key.",
                advice="Galaxy shows yours under User, Preferences, Manage API key.",
            ) from error
    links.put(me.name, link)
    return LinkedGalaxy(url=link.url, user=user, allowed=list(links.allowed))


@router.delete("")
def unlink_galaxy(here: Here, me: Me) -> bool:
    """Forget the account and its key; false where none was linked."""
    return GalaxyLinks(here.settings).remove(me.name)
