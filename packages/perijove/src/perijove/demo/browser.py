"""What a person does in a browser: pages, cookies and forms with their XSRF token."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

import requests
from pydantic import SecretStr

from perijove.core.errors import ConflictError, NotFoundError, PerijoveError

TIMEOUT = 120.0
_XSRF = re.compile(r'name="_xsrf"\s+value="([^"]+)"')
_ALERT = re.compile(r'class="[^"]*alert[^"]*"[^>]*>(.*?)</(?:p|div)>', re.DOTALL)
_SPAWN_FORM = re.compile(r'<form[^>]*id="spawn_form"[^>]*action="([^"]+)"')
_FLAVOR = re.compile(r'<input type="radio" name="flavor"[^>]*value="([^"]+)"([^>]*)>')


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A flavor on the start page."""

    name: str
    free: bool


class Browser:
    """One person's browser at the front door `url`."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.session = requests.Session()
        self.session.trust_env = False  # a proxy of this machine's must not get between

    def page(self, path: str) -> str:
        """The page's HTML. PerijoveError with what the page says where it is none."""
        return checked(self.session.get(self.url + path, timeout=TIMEOUT))

    def submit(self, path: str, fields: Mapping[str, str]) -> str:
        """Open the page at `path`, fill its form in, send it: the page that follows."""
        token = _XSRF.search(self.page(path))
        if token is None:
            raise NotFoundError(f"The page {path} holds no form.")
        filled = {**fields, "_xsrf": html.unescape(token.group(1))}
        return checked(self.session.post(self.url + path, data=filled, timeout=TIMEOUT))

    def sign_up(self, name: str, password: SecretStr) -> None:
        """Ask for access, as the sign-up page does. ConflictError where the platform has no such page."""
        secret = password.get_secret_value()
        fields = {"username": name, "signup_password": secret, "signup_password_confirmation": secret}
        try:
            answer = self.submit("/hub/signup", fields)
        except NotFoundError:
            raise ConflictError(
                "This platform has no sign-up: it serves one person, or a provider signs people in.",
                advice="The demo signs up a person of its own; run it on a platform started as root, "
                "with hub.authenticator `native`.",
            ) from None
        if "signup-done" not in answer:
            raise ConflictError("The sign-up page did not accept the request.")

    def sign_in(self, name: str, password: SecretStr) -> None:
        """Sign in; the session's cookies stay with this browser."""
        self.submit("/hub/login", {"username": name, "password": password.get_secret_value()})

    def choices(self) -> list[Choice]:
        """The flavors on the start page."""
        found = _FLAVOR.findall(self.page("/hub/spawn"))
        return [Choice(name=html.unescape(name), free="disabled" not in rest) for name, rest in found]

    def start_lab(self, flavor: str) -> None:
        """Choose a flavor and press the button; the lab is starting when this returns."""
        form = _SPAWN_FORM.search(self.page("/hub/spawn"))
        if form is None:
            raise ConflictError("The start page holds no form.", advice="A lab of this user may run already.")
        action = urljoin(f"{self.url}/hub/spawn", html.unescape(form.group(1)))
        checked(self.session.post(action, data={"flavor": flavor}, timeout=TIMEOUT))

    def new_token(self, name: str, note: str) -> SecretStr:
        """An API key of the person's own, as the token page makes it."""
        self.page("/hub/token")
        answer = self.session.post(
            f"{self.url}/hub/api/users/{name}/tokens",
            json={"note": note, "expires_in": 24 * 3600},
            headers={"X-XSRFToken": self._xsrf(), "Referer": f"{self.url}/hub/token"},
            timeout=TIMEOUT,
        )
        checked(answer)
        return SecretStr(answer.json()["token"])

    def _xsrf(self) -> str:
        found = [cookie for cookie in self.session.cookies if cookie.name == "_xsrf"]
        ours = [cookie for cookie in found if cookie.path.startswith("/hub")] or found
        return str(ours[0].value) if ours else ""


def checked(answer: requests.Response) -> str:
    """The text of a good answer. PerijoveError with what the server said of another."""
    if answer.ok:
        return answer.text
    path = answer.request.path_url.partition("?")[0]
    kind = NotFoundError if answer.status_code == 404 else PerijoveError
    raise kind(
        f"{answer.request.method} {path} gave {answer.status_code}: {_said(answer)}",
        advice="The hub's log in PERIJOVE_HOME/logs says more." if answer.status_code >= 500 else "",
        retry=answer.status_code >= 500,
    )


def _said(answer: requests.Response) -> str:
    """What an error page or an error's JSON says, in one line."""
    try:
        body = answer.json()
        return str(body.get("message") or body.get("err_msg") or body)
    except ValueError:
        alert = _ALERT.search(answer.text)
        text = re.sub(r"<[^>]+>", " ", alert.group(1) if alert else answer.reason or "")
        return " ".join(html.unescape(text).split())[:400]
