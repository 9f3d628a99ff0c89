"""Who asks: an API key is a JupyterHub token, and the hub says whose it is."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from perijove.core.errors import ForbiddenError, NotAuthenticatedError, PerijoveError

KEEP_SECONDS = 60.0
KEEP_REFUSED_SECONDS = 5.0
_MOST_KEPT = 10_000


@dataclass(frozen=True)
class Caller:
    """A user of the hub. `admin`: may see what belongs to all users."""

    name: str
    admin: bool = False
    groups: frozenset[str] = frozenset()


class Identity(Protocol):
    """Turns an API key into a caller."""

    def authenticate(self, token: str) -> Caller:
        """Whose key it is. May block; called from threads, any number at once.

        Raises NotAuthenticatedError (no such key, or expired), ForbiddenError (it does not open this
        service), IdentityUnavailableError (nobody can say now).
        """


class IdentityUnavailableError(PerijoveError):
    """The hub cannot be asked now."""

    status = 503
    retry = True


@dataclass(frozen=True)
class _Answer:
    until: float
    caller: Caller | None = None
    error: type[PerijoveError] = NotAuthenticatedError
    message: str = ""


class HubIdentity:
    """Asks the hub, and believes a yes for a minute and a no for five seconds.

    A token must carry the scope `access:services!service=NAME` (or `access:services`). Its owner is an
    administrator here only where the token itself carries `admin:users`.
    """

    def __init__(self, *, api_url: str, service: str = "galaxy", client: httpx.Client | None = None) -> None:
        self._url = f"{api_url.rstrip('/')}/user"
        self._scopes = {"access:services", f"access:services!service={service}"}
        self._service = service
        self._client = client or httpx.Client(timeout=10.0, limits=httpx.Limits(max_connections=20))
        self._answers: dict[str, _Answer] = {}
        self._lock = threading.Lock()

    def authenticate(self, token: str) -> Caller:
        """Whose key it is; see `Identity`."""
        key = hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
        answer = self._answers.get(key)
        if answer is None or answer.until < time.monotonic():
            answer = self._ask(token)
            self._keep(key, answer)
        if answer.caller is None:
            raise answer.error(answer.message, advice=_ADVICE)
        return answer.caller

    def _keep(self, key: str, answer: _Answer) -> None:
        with self._lock:
            if len(self._answers) >= _MOST_KEPT:
                self._answers.clear()
            self._answers[key] = answer

    def _ask(self, token: str) -> _Answer:
        if not (token.isascii() and token.isprintable() and len(token) <= 512):
            return _refused("This API key is not valid.")
        try:
            response = self._client.get(self._url, headers={"Authorization": f"token {token}"})
        except httpx.HTTPError as error:
            raise _unavailable() from error
        if response.status_code >= 500 or response.status_code == 429:
            raise _unavailable()
        if response.status_code != 200:
            return _refused("This API key is not valid, or has expired.")
        return self._judge(response.json())

    def _judge(self, model: dict[str, Any]) -> _Answer:
        scopes = set(model.get("scopes") or ())
        if model.get("kind") != "user":
            return _refused("This API key belongs to a service, not to a user.", ForbiddenError)
        if not scopes & self._scopes:
            return _refused(f"This API key does not open the service {self._service!r}.", ForbiddenError)
        caller = Caller(
            name=str(model["name"]),
            admin=bool(model.get("admin")) and "admin:users" in scopes,
            groups=frozenset(model.get("groups") or ()),
        )
        return _Answer(time.monotonic() + KEEP_SECONDS, caller)


_ADVICE = "Make a new one on the hub's token page, or with `perijove token NAME`."


def _refused(message: str, error: type[PerijoveError] = NotAuthenticatedError) -> _Answer:
    return _Answer(time.monotonic() + KEEP_REFUSED_SECONDS, None, error, message)


def _unavailable() -> IdentityUnavailableError:
    return IdentityUnavailableError(
        "The hub cannot be reached to check this API key.", advice="Try again soon."
    )
