"""Where histories are and who asks: one Galaxy API, whatever server stands behind it.

Errors of requests and BioBlend are translated here and nowhere else.
"""

from __future__ import annotations

import json
import os
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

import requests
from bioblend import ConnectionError as GalaxyConnectionError
from bioblend.galaxy import GalaxyInstance
from requests.adapters import HTTPAdapter

from perijove_lab.client.errors import (
    AwayError,
    KeyRefusedError,
    LabError,
    MissingError,
    NotConnectedError,
    RefusedError,
)

T = TypeVar("T")
TIMEOUT = (10, 120)  # seconds to connect, and between two pieces of an answer
BLOCK = 1 << 20
FIRST_PAUSE = 1.0  # seconds before the second attempt
MOMENT = 0.1  # seconds between attempts at what is refused for the moment
_AWAY = (502, 503, 504)
_NEW_KEY = "In a lab: stop and start it to get a new key. Elsewhere: make a new key and give it as key=…"


class _Session(requests.Session):
    """Keeps the key from any other host that a redirect leads to."""

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        before, after = str(response.request.url), str(prepared_request.url)
        if self.should_strip_auth(before, after):  # type: ignore[no-untyped-call]
            prepared_request.headers.pop("x-api-key", None)
        super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]


class Connection:
    """A server and a key. `url` has no slash at its end."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self._key = key

    def __repr__(self) -> str:
        return f"Connection({self.url!r})"

    @property
    def headers(self) -> dict[str, str]:
        """What says who asks, in every request."""
        return {"x-api-key": self._key}

    @cached_property
    def gi(self) -> GalaxyInstance:
        """BioBlend's view of the server."""
        with self.translated():
            instance = GalaxyInstance(self.url, key=self._key)
        instance.timeout = TIMEOUT[1]
        return instance

    @cached_property
    def session(self) -> requests.Session:
        """For what BioBlend does not do: ranges, resumable uploads, our own additions to the API."""
        session = _Session()
        session.headers.update(self.headers)
        adapter = HTTPAdapter(pool_maxsize=4)
        adapter.init_poolmanager(4, 4, blocksize=BLOCK)
        session.mount(f"{self.url}/", adapter)
        weakref.finalize(self, session.close)
        return session

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """An answer below 400 to `method` on `path` (or a full URL); any other becomes a LabError."""
        url = path if "://" in path else f"{self.url}/{path.lstrip('/')}"
        with self.translated():
            response = self.session.request(method, url, **({"timeout": TIMEOUT} | options))
        if response.status_code >= 400:
            raise self.refusal(response.status_code, response.text)
        return response

    def json(self, path: str, **params: Any) -> Any:
        """The decoded answer to GET `path`."""
        response = self.request("GET", path, params=params)
        try:
            return response.json()
        except ValueError as error:
            raise self._no_galaxy() from error

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what requests and BioBlend raise into errors that say what to do."""
        try:
            yield
        except GalaxyConnectionError as error:
            raise self.refusal(error.status_code, _text(error.body)) from error
        except (requests.exceptions.MissingSchema, requests.exceptions.InvalidURL) as error:
            raise NotConnectedError(
                f"{self.url!r} is not an address.", advice="It starts with http:// or https://."
            ) from error
        except requests.exceptions.JSONDecodeError as error:
            raise self._no_galaxy() from error
        except requests.RequestException as error:
            raise self.away() from error

    def refusal(self, status: int | None, body: str) -> LabError:
        """The error for an answer of `status`; `body` is Galaxy's JSON or a proxy's page."""
        said, advice, retry = _said(body)
        if status is None or status in _AWAY:
            return self.away()
        if status == 401 or (status == 403 and "api key" in said.lower()):
            return KeyRefusedError(f"{self.url} does not accept the key.", advice=_NEW_KEY)
        if status == 404:
            return MissingError(said or f"{self.url} has nothing there.", advice=advice)
        if status == 200:
            return self._no_galaxy()
        message = said or f"{self.url} answered with HTTP {status}."
        return RefusedError(message, advice=advice, status=status, retry=retry)

    def away(self) -> AwayError:
        """The error for a server that does not answer."""
        return AwayError(
            f"{self.url} does not answer.",
            advice="Nothing is lost: what was uploaded stays, and running jobs go on. Try again in a minute.",
        )

    def _no_galaxy(self) -> NotConnectedError:
        return NotConnectedError(
            f"{self.url} answers, but not as a Galaxy server does.", advice="Check the address (GALAXY_URL)."
        )

    @cached_property
    def version(self) -> dict[str, Any]:
        """What the server says of itself."""
        found = self.json("api/version")
        return found if isinstance(found, dict) else {}

    @property
    def is_perijove(self) -> bool:
        """Whether the server has Perijove's additions to Galaxy's API."""
        return "perijove" in (self.version.get("extra") or {})


def connect(server: str | None = None, key: str | None = None) -> Connection:
    """The server named here, else the one of the lab (`GALAXY_URL`, `API_KEY`).

    NotConnectedError names what is missing. Nothing is sent yet.
    """
    url = server or os.environ.get("GALAXY_URL", "")
    secret = key or os.environ.get("API_KEY", "")
    if not url:
        raise NotConnectedError(
            "No server is known here.",
            advice="In a lab GALAXY_URL says it; elsewhere give server='https://…' and key='…'.",
        )
    if not secret:
        raise NotConnectedError(
            f"No key for {url} is known here.",
            advice="In a lab API_KEY holds it; a job has none, on purpose. Elsewhere give key='…'.",
        )
    if not url.lower().startswith(("http://", "https://")):
        raise NotConnectedError(f"{url!r} is not an address.", advice="It starts with http:// or https://.")
    return Connection(url, secret)


def persevering(act: Callable[[], T], *, attempts: int = 4) -> T:
    """`act()`, tried again while the server is away, after 1, 2 and 4 s. For what is harmless to repeat."""
    for attempt in range(attempts - 1):
        try:
            return patient(act)
        except AwayError:
            time.sleep(FIRST_PAUSE * 2**attempt)
    return patient(act)


def patient(act: Callable[[], T], *, seconds: float = 15.0) -> T:
    """`act()`, tried again at once where the server refuses it for the moment only, and says so."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return act()
        except RefusedError as error:
            if not error.retry or time.monotonic() > deadline:
                raise
            time.sleep(MOMENT)


def _text(body: object) -> str:
    return body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")


def _said(body: str) -> tuple[str, str, bool]:
    """The server's own words, its advice, and whether it says that trying again helps."""
    try:
        answer = json.loads(body)
    except ValueError:
        return "", "", False
    if not isinstance(answer, dict):
        return "", "", False
    message = answer.get("err_msg") or answer.get("detail") or answer.get("message") or ""
    advice = str(answer.get("advice") or "")
    text = message if isinstance(message, str) else json.dumps(message)
    return text.removesuffix(advice).strip(), advice, answer.get("retry") is True
