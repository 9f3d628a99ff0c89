"""Who signs in and how: native sign-up with approval, or an OAuth provider by name."""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import entry_points
from typing import Any

import bcrypt
from nativeauthenticator import NativeAuthenticator  # type: ignore[import-untyped]
from traitlets import Bool, Unicode

from perijove.core.errors import ConfigurationError
from perijove.core.settings import Settings
from perijove.hub import people, sign_in_links
from perijove.hub.access_handlers import HANDLERS
from perijove.hub.people import password_matches

# Compared with where there is no such user, so that the answer takes as long as for one there is.
_NOBODY = bcrypt.hashpw(b"nobody", bcrypt.gensalt())


class PerijoveAuthenticator(NativeAuthenticator):  # type: ignore[misc]
    """Sign-up with approval. There is no account from the start; the first comes by a one-time link."""

    single_user = Bool(False, help="one person only: nobody may sign up").tag(config=True)
    public_url = Unicode("", help="the front door as users reach it").tag(config=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sign_in_links.make_table(self.db)

    async def authenticate(self, handler: Any, data: dict[str, str]) -> str | None:
        """The user's name where name and password are right and an administrator approved."""
        name = self.normalize_username(data.get("username", ""))
        info = self.get_user(name)
        if self.is_blocked(name):
            return None
        right = await password_matches(data.get("password", ""), info.password if info else _NOBODY)
        if info and not right:
            self.add_login_attempt(name)
        if not (info and right and info.is_authorized):
            return None
        self.successful_login(name)
        return str(name)

    async def waits_for_approval(self, data: dict[str, str]) -> bool:
        """Whether only the approval is missing; nobody is told without the right password."""
        info = self.get_user(data.get("username", ""))
        if info is None or info.is_authorized or self.is_blocked(info.username):
            return False
        return await password_matches(data.get("password", ""), info.password)

    def can_try_to_login_again(self, username: str) -> bool:
        """After the wait a name starts afresh."""
        attempts = self.login_attempts.get(username)
        if attempts is None:
            return True
        if (datetime.now() - attempts["time"]).total_seconds() < self.seconds_before_next_try:
            return False
        self.login_attempts.pop(username)
        return True

    def is_password_strong(self, password: str) -> bool:
        """As at sign-up; used where a user changes their own password."""
        return (
            super().is_password_strong(password) and len(password.encode()) <= people.MAXIMUM_PASSWORD_BYTES
        )

    def get_handlers(self, app: Any) -> list[tuple[str, type]]:
        """Pages and API of our own; nativeauthenticator's change things on GET and are not used."""
        return list(HANDLERS)


def update_authentication(c: Any, settings: Settings) -> None:
    """The authenticator that the settings name."""
    c.Authenticator.enable_auth_state = False
    c.Authenticator.auto_login = False
    if settings.hub.authenticator == "native":
        _update_native(c, settings)
    else:
        _update_oauth(c, settings)


def _update_native(c: Any, settings: Settings) -> None:
    c.JupyterHub.authenticator_class = PerijoveAuthenticator
    # Whoever has the right password and an approval may come in; there is no other list.
    c.PerijoveAuthenticator.allow_all = True
    c.PerijoveAuthenticator.minimum_password_length = people.MINIMUM_PASSWORD
    c.PerijoveAuthenticator.check_common_password = True
    c.PerijoveAuthenticator.allowed_failed_logins = people.FAILED_LOGINS
    c.PerijoveAuthenticator.seconds_before_next_try = people.SECONDS_TO_WAIT
    c.PerijoveAuthenticator.open_signup = False
    c.PerijoveAuthenticator.enable_signup = not settings.single_user
    c.PerijoveAuthenticator.single_user = settings.single_user
    c.PerijoveAuthenticator.public_url = settings.url


def _update_oauth(c: Any, settings: Settings) -> None:
    cls, options = _oauth_class(settings.hub.authenticator), dict(settings.hub.oauth)
    if settings.single_user:
        raise ConfigurationError(
            "single_user goes with the native authenticator only.", advice="Unset one of the two."
        )
    _check_options(cls, options)
    administrators = frozenset(options.pop("admin_users", ()))
    c.JupyterHub.authenticator_class = cls
    c[cls.__name__].update(options)
    c[cls.__name__].setdefault("oauth_callback_url", f"{settings.url}/hub/oauth_callback")
    c.Authenticator.post_auth_hook = _administrators_hook(administrators)


def _oauth_class(name: str) -> type:
    found = [point for point in entry_points(group="jupyterhub.authenticators") if point.name == name]
    offered = sorted(
        p.name
        for p in entry_points(group="jupyterhub.authenticators")
        if p.module.startswith("oauthenticator")
    )
    if not found or name not in offered:
        raise ConfigurationError(
            f"hub.authenticator {name!r} is not known.",
            advice=f"Use native, or one of: {', '.join(offered)}.",
        )
    return found[0].load()  # type: ignore[no-any-return]


def _check_options(cls: Any, options: dict[str, Any]) -> None:
    if unknown := sorted(set(options) - set(cls.class_trait_names(config=True))):
        raise ConfigurationError(
            f"hub.oauth has options that {cls.__name__} does not know: {', '.join(unknown)}.",
            advice="Its documentation at oauthenticator.readthedocs.io lists them.",
        )
    if missing := [name for name in ("client_id", "client_secret") if not options.get(name)]:
        raise ConfigurationError(
            f"hub.oauth lacks {' and '.join(missing)}.",
            advice="The provider gives both; set the secret as PERIJOVE_HUB__OAUTH__CLIENT_SECRET.",
        )
    if not any(name.startswith("allow") and options[name] for name in options):
        raise ConfigurationError(
            "hub.oauth lets nobody in.",
            advice="Set allow_all = true, or allowed_users, or what the provider offers.",
        )


def _administrators_hook(names: frozenset[str]) -> Any:
    """Administrators join our group instead of JupyterHub's `admin`, which would open every user's lab."""

    async def hook(authenticator: Any, handler: Any, auth_model: dict[str, Any]) -> dict[str, Any]:
        name = auth_model["name"]
        if name in names or auth_model.get("admin"):
            user = handler.user_from_username(name)
            people.set_administrator(handler.db, user.orm_user, admin=True)
        return {**auth_model, "admin": False}

    return hook
