"""What routes ask for: the context, the caller."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Path, Request

from perijove.core.errors import BadRequestError, ForbiddenError, NotAuthenticatedError
from perijove.histories.context import Account, Context
from perijove.histories.store.ids import ID_PATTERN

_KEY_PARAMETERS = ("key", "api_key", "token")


def get_context(request: Request) -> Context:
    """The parts of this server."""
    return cast(Context, request.app.state.context)


def get_viewer(request: Request) -> Account | None:
    """The caller; None for somebody without a key, who may see what is shared."""
    if any(name in request.query_params for name in _KEY_PARAMETERS):
        raise BadRequestError(
            "An API key in the address is refused: addresses land in logs. That key is now known to others.",
            advice="Make a new key, and send it in the header x-api-key.",
        )
    token = _token(request)
    if token is None:
        return None
    context = get_context(request)
    return context.account(context.identity.authenticate(token))


def _token(request: Request) -> str | None:
    if key := request.headers.get("x-api-key"):
        return key
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() or None if scheme.lower() in ("bearer", "token") else None


def get_account(request: Request) -> Account:
    """The caller, who must have a key."""
    viewer = get_viewer(request)
    if viewer is None:
        raise NotAuthenticatedError(
            "This needs an API key.",
            advice="Send one in the header x-api-key; the hub's token page makes it.",
        )
    return viewer


def get_administrator(request: Request) -> Account:
    """The caller, who must be an administrator."""
    account = get_account(request)
    if not account.admin:
        raise ForbiddenError("Only administrators may do this.")
    return account


Here = Annotated[Context, Depends(get_context)]
Me = Annotated[Account, Depends(get_account)]
Viewer = Annotated[Account | None, Depends(get_viewer)]
Administrator = Annotated[Account, Depends(get_administrator)]
Id = Annotated[str, Path(pattern=ID_PATTERN, description="16 hexadecimal digits")]
