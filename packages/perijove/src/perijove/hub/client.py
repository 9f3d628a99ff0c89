"""The hub's REST API for the platform's own command line, with its internal token."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import requests

from perijove.core.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotAuthenticatedError,
    NotFoundError,
    PerijoveError,
)
from perijove.core.settings import Settings
from perijove.hub.private import read_ports, read_secrets
from perijove.hub.services import USE_GALAXY

# What a user's own API key may do: what BioBlend needs, and no more.
KEY_SCOPES = ["read:users!user", USE_GALAXY]
_ERRORS: dict[int, type[PerijoveError]] = {
    400: BadRequestError,
    401: NotAuthenticatedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
}


class HubAwayError(PerijoveError):
    """The hub does not answer."""

    status = 503
    retry = True


class HubClient:
    """Administration of a running hub. Every method raises `HubAwayError` where no hub answers."""

    def __init__(self, settings: Settings, *, timeout: float = 30.0) -> None:
        self._base = f"http://127.0.0.1:{read_ports(settings.layout).hub}/hub"
        self._timeout = timeout
        self._session = requests.Session()
        # Neither proxies nor .netrc of whoever calls: this is the loopback, and the token is ours.
        self._session.trust_env = False
        # Calls are few; no connection is left open behind a client that nobody closes.
        self._session.headers["Connection"] = "close"
        token = read_secrets(settings.layout).admin_token.get_secret_value()
        self._session.headers["Authorization"] = f"token {token}"

    def healthy(self) -> bool:
        """Whether the hub answers now."""
        try:
            self._call("GET", "/health")
        except PerijoveError:
            return False
        return True

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Return as soon as the hub answers; HubAwayError after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not self.healthy():
            if time.monotonic() > deadline:
                raise HubAwayError(
                    f"The hub did not answer within {timeout:g} s.", advice="Look at logs/hub.log."
                )
            time.sleep(0.1)

    def people(self) -> list[dict[str, Any]]:
        """Everybody: `name`, `admin`, `approved`, `labs` (running), `last_activity`; those who wait first."""
        return list(self._call("GET", "/api/people")["people"])

    def add_user(self, name: str, *, admin: bool = False) -> str:
        """Make a user, at once able to hold keys, and return the one-time link to set a password and sign in.

        Somebody who is there already only gets a new link (and, with `admin`, becomes an administrator).
        """
        link = self.sign_in_link(name, admin=admin)
        with suppress(ConflictError):
            self._call("POST", f"/api/users/{quote(name, safe='')}")
        if admin:
            self.promote(name)
        return link

    def restore_routes(self) -> None:
        """Give the proxy all routes again: it has forgotten them when it was started anew."""
        self._call("POST", "/api/proxy")

    def approve(self, name: str) -> None:
        """Let somebody in who signed up. NotFoundError where nobody of that name did."""
        self._decide(name, "approve")

    def revoke(self, name: str) -> None:
        """End somebody's access, labs and keys; their data stays."""
        self._decide(name, "revoke")

    def delete_user(self, name: str) -> None:
        """Remove somebody's account, labs and keys for good; the home stays. NotFoundError where unknown."""
        self._call("DELETE", f"/api/users/{quote(name, safe='')}")

    def promote(self, name: str, *, admin: bool = True) -> None:
        """Make somebody an administrator, or no longer one."""
        self._decide(name, "promote" if admin else "demote")

    def sign_in_link(self, name: str = "", *, admin: bool = False) -> str:
        """A one-time link to set a password and sign in, for `name` or for a name yet to be chosen.

        The only copy: print it to the person who asked, log it nowhere. It ends after a day or with the next.
        """
        return str(self._call("POST", "/api/sign-in-links", {"name": name, "admin": admin})["url"])

    def new_token(
        self, name: str, *, note: str = "command line", expires_in: int | None = None, admin: bool = False
    ) -> str:
        """A key for BioBlend at `settings.galaxy_url`. NotFoundError for an unknown user.

        With `admin`, and for an administrator, one that sees what belongs to all users there.
        """
        self.user(name)  # JupyterHub answers 403 where there is no such user
        scopes = [*KEY_SCOPES, "admin:users"] if admin else KEY_SCOPES
        body = {"note": note, "scopes": scopes, "expires_in": expires_in}
        return str(self._call("POST", f"/api/users/{quote(name, safe='')}/tokens", body)["token"])

    def user(self, name: str) -> dict[str, Any]:
        """JupyterHub's model of a user, with `servers`. NotFoundError for an unknown one."""
        return dict(self._call("GET", f"/api/users/{quote(name, safe='')}"))

    def running_labs(self) -> list[dict[str, Any]]:
        """Running labs: `user`, `name`, `ready`, `started`, `last_activity`, `url`."""
        users = self._call("GET", "/api/users?state=active")
        return [{"user": user["name"], **lab} for user in users for lab in user["servers"].values()]

    def start_lab(self, user: str, server: str = "", *, flavor: str = "") -> None:
        """Ask for a lab; harmless where it runs. `user(name)["servers"]` says when it is ready."""
        body = {"user_options": {"flavor": flavor}} if flavor else {}
        self._call("POST", self._server_path(user, server), body)

    def stop_lab(self, user: str, server: str = "") -> None:
        """End a lab; harmless where it does not run."""
        self._call("DELETE", self._server_path(user, server))

    def _server_path(self, user: str, server: str) -> str:
        name = quote(user, safe="")
        return (
            f"/api/users/{name}/servers/{quote(server, safe='')}" if server else f"/api/users/{name}/server"
        )

    def _decide(self, name: str, action: str) -> None:
        self._call("POST", f"/api/people/{quote(name, safe='')}", {"action": action})

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            answer = self._session.request(method, self._base + path, json=body, timeout=self._timeout)
        except requests.RequestException as error:
            raise HubAwayError(
                "The hub does not answer.", advice="See `perijove status`; `perijove up` starts it."
            ) from error
        if answer.status_code >= 400:
            raise _error_of(answer)
        return answer.json() if "json" in answer.headers.get("Content-Type", "") and answer.content else {}


def _error_of(answer: requests.Response) -> PerijoveError:
    try:
        message = str(answer.json().get("message") or "")  # JupyterHub may say null
    except ValueError:
        message = ""
    error = _ERRORS.get(answer.status_code, PerijoveError)
    return error(message or f"The hub answered {answer.status_code}.")
