"""Pages and API of access: sign-in, sign-up, one-time link, list of people, own password."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from jupyterhub.apihandlers.base import APIHandler  # type: ignore[import-untyped]
from jupyterhub.handlers import BaseHandler  # type: ignore[import-untyped]
from jupyterhub.handlers import LoginHandler as HubLoginHandler
from jupyterhub.scopes import needs_scope  # type: ignore[import-untyped]
from nativeauthenticator.orm import UserInfo  # type: ignore[import-untyped]
from tornado import web

from perijove.core.errors import BadRequestError, ConflictError, ForbiddenError, PerijoveError
from perijove.hub import people, sign_in_links

_WRONG_PASSWORD = (
    "Name or password is wrong. "
    f"After {people.FAILED_LOGINS} wrong passwords a name rests for {people.SECONDS_TO_WAIT} seconds."
)


class LoginHandler(HubLoginHandler):  # type: ignore[misc]
    """The sign-in page. It tells who waits for approval, and nothing about names it does not know."""

    def _render(self, login_error: str | None = None, username: str | None = None, **values: Any) -> Any:
        values.setdefault("waits_for_approval", False)
        open_to_all = self.authenticator.enable_signup
        return super()._render(
            login_error=login_error, username=username, enable_signup=open_to_all, **values
        )

    async def post(self) -> None:
        """Sign in."""
        data = {name: self.get_argument(name, strip=False) for name in self.request.arguments}
        if user := await self.login_user(data):
            self._jupyterhub_user = user
            self.redirect(self.get_next_url(user))
            return
        name, waits = data.get("username", ""), await self.authenticator.waits_for_approval(data)
        self.set_status(403)
        error = None if waits else _WRONG_PASSWORD
        self.finish(await self._render(login_error=error, username=name, waits_for_approval=waits))


class SignUpHandler(BaseHandler):  # type: ignore[misc]
    """Ask for access: name and password. An administrator approves."""

    async def _page(self, **values: Any) -> str:
        return str(await self.render_template("signup.html", minimum=people.MINIMUM_PASSWORD, **values))

    def _check_open(self) -> None:
        if not self.authenticator.enable_signup:
            raise web.HTTPError(404, "Nobody can sign up here: this Perijove belongs to one person.")

    async def get(self) -> None:
        """The form."""
        self._check_open()
        self.finish(await self._page())

    async def post(self) -> None:
        """Note the request."""
        self._check_open()
        name = self.authenticator.normalize_username(self.get_body_argument("username", ""))
        password = self.get_body_argument("signup_password", "", strip=False)
        confirmation = self.get_body_argument("signup_password_confirmation", "", strip=False)
        try:
            await people.ask_for_access(self.db, name, password, confirmation)
        except PerijoveError as error:
            self.set_status(error.status)
            self.finish(await self._page(error=error, username=name))
            return
        self.log.info("%s asks for access", name)
        self.finish(await self._page(done=True, username=name))


class WelcomeHandler(BaseHandler):  # type: ignore[misc]
    """The one-time link: choose name and password, and be signed in."""

    async def _page(self, **values: Any) -> str:
        self.set_header("Cache-Control", "no-store")
        return str(await self.render_template("welcome.html", minimum=people.MINIMUM_PASSWORD, **values))

    async def get(self) -> None:
        """The form; its script takes the token from behind the `#`."""
        self.finish(await self._page(username=self.get_query_argument("name", "")))

    async def post(self) -> None:
        """Use the link up."""
        token, name = self.get_body_argument("token", ""), self.get_body_argument("username", "")
        try:
            user = await self._redeem(token, self.authenticator.normalize_username(name))
        except PerijoveError as error:
            self.set_status(error.status)
            self.finish(await self._page(error=error, token=token, username=name))
            return
        self.set_login_cookie(user)
        self.redirect(f"{self.hub.base_url}home")

    async def _redeem(self, token: str, chosen: str) -> Any:
        link = _usable_link(self.db, token)
        name = str(link.username or chosen)
        password = self.get_body_argument("password", "", strip=False)
        people.check_username(name)
        people.check_password(name, password, self.get_body_argument("confirmation", "", strip=False))
        if not link.username and UserInfo.find(self.db, name) is not None:
            raise ConflictError("This name is taken.", advice="Choose another.")
        admin = bool(link.admin)
        self.db.delete(link)  # before the first await: a link is used once
        self.db.commit()
        return await self._let_in(name, password, admin=admin)

    async def _let_in(self, name: str, password: str, *, admin: bool) -> Any:
        await people.set_password(self.db, name, password)
        user = self.user_from_username(name)
        people.end_browser_sessions(self.db, user.orm_user)
        if admin:
            people.set_administrator(self.db, user.orm_user, admin=True)
        self.log.info("%s signed in with a one-time link", name)
        return user


def _usable_link(db: Any, token: str) -> sign_in_links.SignInLink:
    link = sign_in_links.find(db, token)
    if link is None:
        raise ForbiddenError(
            "This link has been used or has expired.",
            advice="Sign in with your password, or ask for a new link: `perijove user add NAME` prints one.",
        )
    return link


class PasswordHandler(BaseHandler):  # type: ignore[misc]
    """Users change their own password here."""

    async def _page(self, **values: Any) -> str:
        return str(await self.render_template("password.html", minimum=people.MINIMUM_PASSWORD, **values))

    @web.authenticated
    async def get(self) -> None:
        """The form."""
        self.finish(await self._page())

    @web.authenticated
    async def post(self) -> None:
        """Change it. Other browsers are signed out; labs and their tokens go on."""
        try:
            await self._change(self.current_user)
        except PerijoveError as error:
            self.set_status(error.status)
            self.finish(await self._page(error=error))
            return
        self.finish(await self._page(done=True))

    async def _change(self, user: Any) -> None:
        old = self.get_body_argument("old_password", "", strip=False)
        new = self.get_body_argument("new_password", "", strip=False)
        info = self.authenticator.get_user(user.name)
        if self.authenticator.is_blocked(user.name):
            raise ForbiddenError(
                "Too many wrong passwords.", advice=f"Wait {people.SECONDS_TO_WAIT} seconds.", retry=True
            )
        if info is None or not await people.password_matches(old, info.password):
            self.authenticator.add_login_attempt(user.name)
            raise ForbiddenError(
                "The present password is wrong.",
                advice="An administrator can give you a link to set a new one.",
            )
        people.check_password(
            user.name, new, self.get_body_argument("new_password_confirmation", "", strip=False)
        )
        await people.set_password(self.db, user.name, new)
        people.end_browser_sessions(self.db, user.orm_user)
        self.set_login_cookie(user)


class PeopleHandler(BaseHandler):  # type: ignore[misc]
    """Administrators see who has access and who wants it, and decide."""

    async def _page(self, **values: Any) -> str:
        return str(await self.render_template("people.html", people=people.everybody(self.db), **values))

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """The list."""
        self.finish(await self._page())

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def post(self) -> None:
        """One decision."""
        name, action = self.get_body_argument("name"), self.get_body_argument("action")
        try:
            link = await decide(self, name, action)
        except PerijoveError as error:
            self.set_status(error.status)
            self.finish(await self._page(error=error))
            return
        if not link:
            self.redirect(f"{self.hub.base_url}people")
            return
        self.set_header("Cache-Control", "no-store")
        self.finish(await self._page(link=link, link_name=name))


class PeopleAPIHandler(APIHandler):  # type: ignore[misc]
    """The same list for programs."""

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    def get(self) -> None:
        """Everybody who has or wants access."""
        self.write({"people": [asdict(person) for person in people.everybody(self.db)]})


class PersonAPIHandler(APIHandler):  # type: ignore[misc]
    """The same decisions for programs: `{"action": …, "admin": …}`."""

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def post(self, name: str) -> None:
        """Decide; the answer holds the link where one was made."""
        body = self.get_json_body() or {}
        try:
            link = await decide(self, name, str(body.get("action", "")))
        except PerijoveError as error:
            raise web.HTTPError(error.status, str(error)) from error
        self.write({"name": name, "url": link})


class SignInLinkAPIHandler(APIHandler):  # type: ignore[misc]
    """Make a one-time link: `{"name": "" or a name, "admin": false}`."""

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def post(self) -> None:
        """The answer's `url` is the only copy of the token."""
        body = self.get_json_body() or {}
        try:
            url = make_link(self, str(body.get("name", "")), admin=bool(body.get("admin")))
        except PerijoveError as error:
            raise web.HTTPError(error.status, str(error)) from error
        self.set_status(201)
        self.write({"url": url})


async def decide(handler: Any, name: str, action: str) -> str:
    """Carry out one decision about a person; the new sign-in link where `action` is `link`."""
    chosen = _DECISIONS.get(action)
    if chosen is None:
        raise BadRequestError(
            f"{action!r} is not a decision.", advice=f"There are: {', '.join(sorted(_DECISIONS))}."
        )
    handler.log.info("%s: %s %s", getattr(handler.current_user, "name", "?"), action, name)
    return await chosen(handler, name)


async def _approve(handler: Any, name: str) -> str:
    people.approve(handler.db, name)
    handler.user_from_username(name)  # known to the hub from now on: may be given keys, groups, labs
    return ""


async def _discard(handler: Any, name: str) -> str:
    people.discard(handler.db, name)
    return ""


async def _revoke(handler: Any, name: str) -> str:
    _refuse_own(handler, name)
    await people.revoke(handler, name)
    return ""


async def _promote(handler: Any, name: str) -> str:
    people.promote(handler, name, admin=True)
    return ""


async def _demote(handler: Any, name: str) -> str:
    _refuse_own(handler, name)
    people.promote(handler, name, admin=False)
    return ""


async def _link(handler: Any, name: str) -> str:
    return make_link(handler, name, admin=False)


_DECISIONS: dict[str, Callable[[Any, str], Awaitable[str]]] = {
    "approve": _approve,
    "discard": _discard,
    "revoke": _revoke,
    "promote": _promote,
    "demote": _demote,
    "link": _link,
}


def _refuse_own(handler: Any, name: str) -> None:
    if getattr(handler.current_user, "name", None) == name:
        raise ConflictError(
            "You cannot take your own access away.", advice="Let another administrator do it."
        )


def make_link(handler: Any, name: str, *, admin: bool) -> str:
    """A new one-time link for `name`, or for a name yet to be chosen."""
    authenticator = handler.authenticator
    if name:
        name = authenticator.normalize_username(name)
        people.check_username(name)
    people.refuse_second_user(handler.db, name, single_user=authenticator.single_user)
    token = sign_in_links.issue(handler.db, name, admin=admin)
    query = f"?{urlencode({'name': name})}" if name else ""
    return f"{authenticator.public_url}{handler.hub.base_url}welcome{query}#{token}"


HANDLERS: tuple[tuple[str, type], ...] = (
    (r"/login", LoginHandler),
    (r"/signup", SignUpHandler),
    (r"/welcome", WelcomeHandler),
    (r"/people", PeopleHandler),
    (r"/change-password", PasswordHandler),
    (r"/api/people", PeopleAPIHandler),
    (r"/api/people/([^/]+)", PersonAPIHandler),
    (r"/api/sign-in-links", SignInLinkAPIHandler),
)
