"""The history server as the command line asks it: with a short-lived key of an administrator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from perijove.core.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotAuthenticatedError,
    NotFoundError,
    PerijoveError,
    TooLargeError,
)

KEY_SECONDS = 300
_TIMEOUT = 60.0
_ERRORS: dict[int, type[PerijoveError]] = {
    400: BadRequestError,
    401: NotAuthenticatedError,
    403: ForbiddenError,
    404: NotFoundError,
    413: TooLargeError,
    409: ConflictError,
}


class HistoryServer:
    """Calls of the history server's API. Each raises PerijoveError with the server's own words."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str, **params: Any) -> Any:
        """The answer's JSON."""
        return self._call("GET", path, params).json()

    def delete(self, path: str, **params: Any) -> Any:
        """The answer's JSON."""
        return self._call("DELETE", path, params).json()

    def text(self, path: str, **params: Any) -> tuple[str, Mapping[str, str]]:
        """The answer as text, and its headers."""
        answer = self._call("GET", path, params)
        return answer.content.decode("utf-8", "replace"), answer.headers

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The answer's JSON."""
        return self._answered("POST", path, json=body).json()

    def put(self, path: str, body: dict[str, Any]) -> Any:
        """The answer's JSON."""
        return self._answered("PUT", path, json=body).json()

    def upload(self, path: str, name: str, source: Path) -> Any:
        """The answer's JSON to a form with one file. It may take as long as it takes."""
        with source.open("rb") as file:
            return self._answered("POST", path, files={name: (source.name, file)}, timeout=None).json()

    def download(self, path: str, target: Path) -> int:
        """Write the answer to `target`, whole or not at all; its size."""
        part = target.with_name(f".{target.name}.part")
        try:
            with _translated(), self._client.stream("GET", path, timeout=_TIMEOUT) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    raise _error_of(answer)
                with part.open("wb") as file:
                    for chunk in answer.iter_bytes(2**20):
                        file.write(chunk)
            part.replace(target)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        return target.stat().st_size

    def _call(self, method: str, path: str, params: dict[str, Any]) -> httpx.Response:
        given = {name: value for name, value in params.items() if value is not None}
        return self._answered(method, path, params=given)

    def _answered(self, method: str, path: str, **options: Any) -> httpx.Response:
        with _translated():
            answer = self._client.request(method, path, **options)
        if answer.status_code >= 400:
            raise _error_of(answer)
        return answer


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise PerijoveError(
            "The history server does not answer.", advice="See `perijove status` and logs/histories.log."
        ) from error


@contextmanager
def history_server(person: str | None = None) -> Iterator[HistoryServer]:
    """The running platform's history server, as an administrator, or as the person named."""
    from perijove.cli.client import admin_client, settings_in_force
    from perijove.hub.private import read_ports

    settings = settings_in_force()
    hub = admin_client(settings)
    name = person or _administrator(hub.people())
    key = hub.new_token(name, note="command line", expires_in=KEY_SECONDS, admin=person is None)
    base = f"http://127.0.0.1:{read_ports(settings.layout).histories}/services/galaxy"
    with httpx.Client(base_url=base, headers={"x-api-key": key}, timeout=_TIMEOUT, trust_env=False) as client:
        yield HistoryServer(client)


def _administrator(people: list[dict[str, Any]]) -> str:
    for person in people:
        if person["admin"] and person["approved"]:
            return str(person["name"])
    raise ConflictError(
        "There is no administrator yet, and jobs and histories are looked at as one.",
        advice="`perijove user add NAME --admin` makes one.",
    )


def _error_of(answer: httpx.Response) -> PerijoveError:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    advice = str(body.get("advice") or "")
    message = str(body.get("err_msg") or f"The history server answered {answer.status_code}.")
    kind = _ERRORS.get(answer.status_code, PerijoveError)
    return kind(message.removesuffix(advice).strip(), advice=advice)
