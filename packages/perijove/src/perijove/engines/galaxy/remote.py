"""The few calls of Galaxy's API that a job needs. The key travels in a header, never in an address.

Redirects are not followed: they could lead the key to another host.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from perijove.core.errors import TooLargeError
from perijove.engines.galaxy.errors import GalaxyAwayError, GalaxyKeyError, GalaxyRefusedError
from perijove.engines.galaxy.links import GalaxyLink

TOOL = "run_jupyter_job"
CHUNK = 8 << 20
"""Bytes of a file in one request: proxies limit a request's length."""
RUN_SECONDS = 120.0
"""How long a Galaxy may take to answer that it runs the tool."""
_BLOCK = 1 << 20
_UPLOAD = "api/upload/resumable_upload"
_TUS = {"Tus-Resumable": "1.0.0"}
_PAUSES = (1.0, 2.0, 4.0, 8.0)
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)


class RemoteGalaxy:
    """One account of a Galaxy. Every call may raise GalaxyAwayError, GalaxyKeyError, GalaxyRefusedError."""

    def __init__(self, link: GalaxyLink) -> None:
        self.url = link.url
        self._client = httpx.Client(
            base_url=f"{link.url}/",
            headers={"x-api-key": link.key.get_secret_value()},
            timeout=_TIMEOUT,
            trust_env=False,
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._client.close()

    def user(self) -> str:
        """The account's name. GalaxyKeyError where the key is nobody's."""
        try:
            found = self._json("GET", "api/users/current")
        except GalaxyRefusedError as error:
            raise _wrong_key(self.url) from error
        if not isinstance(found, dict) or not found.get("id"):
            raise _wrong_key(self.url)
        return str(found.get("username") or found.get("email") or found["id"])

    def tool_inputs(self) -> set[str]:
        """Names of the tool's inputs. GalaxyRefusedError where it is not installed, or not for this user."""
        try:
            shown = self._json("GET", f"api/tools/{TOOL}", params={"io_details": "true"})
        except GalaxyRefusedError as error:
            raise GalaxyRefusedError(
                f"{self.url} has no tool {TOOL}, or not for you.",
                advice="Ask its administrator to install it: docs/operators/galaxy.md says how.",
            ) from error
        return {str(entry.get("name")) for entry in shown.get("inputs") or ()}

    def knows_submissions(self) -> bool:
        """Whether the same submission gives the same job: so does a Perijove, a Galaxy makes a second."""
        found = self._json("GET", "api/version")
        return "perijove" in ((found or {}).get("extra") or {})

    def history(self, name: str) -> str:
        """The history of this name, made where there is none."""
        found = self._json("GET", "api/histories", params={"q": "name", "qv": name})
        for entry in found:
            if entry.get("name") == name and not entry.get("deleted"):
                return str(entry["id"])
        return str(self._json("POST", "api/histories", json={"name": name})["id"])

    def upload(self, history: str, source: Path, *, name: str, ext: str) -> str:
        """A dataset of the file, byte for byte; its id. It is not ready at once."""
        session = self._sent(source)
        element = {
            "src": "files",
            "ext": ext,
            "dbkey": "?",
            "to_posix_lines": False,
            "space_to_tab": False,
            "name": name,
        }
        answer = self._json(
            "POST",
            "api/tools/fetch",
            json={
                "history_id": history,
                "targets": [{"destination": {"type": "hdas"}, "elements": [element]}],
                "files_0|file_data": {"session_id": session, "name": name},
                "auto_decompress": False,
            },
        )
        return str(answer["outputs"][0]["id"])

    def jobs(self, history: str) -> list[str]:
        """Ids of the tool's jobs in the history."""
        found = self._json("GET", "api/jobs", params={"history_id": history})
        return [str(job["id"]) for job in found if TOOL in str(job.get("tool_id")).split("/")]

    def run(self, history: str, inputs: Mapping[str, Any]) -> str:
        """Run the tool; the job's id."""
        call = {"history_id": history, "tool_id": TOOL, "inputs": dict(inputs)}
        answer = self._json("POST", "api/tools", json=call, timeout=httpx.Timeout(RUN_SECONDS, connect=10.0))
        started = answer.get("jobs") or []
        if not started:
            raise GalaxyRefusedError(f"{self.url} took the request but started no job of {TOOL}.")
        return str(started[0]["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """All that it says of the job."""
        found = self._json("GET", f"api/jobs/{job_id}", params={"full": "true"})
        return dict(found)

    def console(self, job_id: str, place: int, length: int) -> str:
        """What the running job has printed from `place` on. GalaxyRefusedError where none is shown."""
        params = {
            "stdout_position": place,
            "stdout_length": length,
            "stderr_position": 0,
            "stderr_length": 0,
        }
        found = self._json("GET", f"api/jobs/{job_id}/console_output", params=params)
        return str((found or {}).get("stdout") or "")

    def cancel(self, job_id: str) -> None:
        """End the job; harmless where it has ended."""
        self._json("DELETE", f"api/jobs/{job_id}")

    def dataset(self, dataset_id: str) -> dict[str, Any]:
        """All that it says of a dataset."""
        return dict(self._json("GET", f"api/datasets/{dataset_id}"))

    def collection(self, collection_id: str) -> dict[str, Any]:
        """All that it says of a collection, its elements among it."""
        path = f"api/dataset_collections/{collection_id}"
        return dict(self._json("GET", path, params={"instance_type": "history"}))

    def download(self, dataset: Mapping[str, Any], target: Path, *, limit: int) -> None:
        """The dataset's content as the file `target`, whole or not at all. TooLargeError beyond `limit`."""
        part = target.with_name(f".{target.name}.part")
        path = f"api/datasets/{dataset['id']}/display"
        ext = str(dataset.get("file_ext") or dataset.get("extension") or "data")
        try:
            with self._client.stream("GET", path, params={"to_ext": ext}) as answer:
                if answer.status_code != 200:
                    answer.read()
                    raise self._error(answer)
                _save(answer, part, limit)
        except httpx.HTTPError as error:
            raise _away(self.url) from error
        part.replace(target)

    def _sent(self, source: Path) -> str:
        """The file, sent by tus; the id of the upload."""
        size = source.stat().st_size
        name = base64.b64encode(b"input").decode()
        headers = {**_TUS, "Upload-Length": str(size), "Upload-Metadata": f"filename {name}"}
        answer = self._answer("POST", _UPLOAD, headers=headers)
        session = answer.headers.get("Location", "").rstrip("/").rsplit("/", 1)[-1]
        if not session:
            raise GalaxyRefusedError(f"{self.url} opened no upload.")
        offset, failures = 0, 0
        while offset < size:
            try:
                reached = self._chunk(source, f"{_UPLOAD}/{session}", offset, min(CHUNK, size - offset))
            except GalaxyAwayError:
                if failures == len(_PAUSES):
                    raise
                time.sleep(_PAUSES[failures])
                reached = self._reached(f"{_UPLOAD}/{session}", offset)
            failures = 0 if reached > offset else failures + 1
            offset = reached
        return str(session)

    def _chunk(self, source: Path, path: str, offset: int, length: int) -> int:
        headers = {
            **_TUS,
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(length),
        }
        answer = self._answer("PATCH", path, headers=headers, content=_part(source, offset, length))
        return int(answer.headers.get("Upload-Offset", offset + length))

    def _reached(self, path: str, offset: int) -> int:
        try:
            return int(self._answer("HEAD", path, headers=_TUS).headers["Upload-Offset"])
        except (GalaxyAwayError, KeyError, ValueError):
            return offset

    def _json(self, method: str, path: str, **options: Any) -> Any:
        answer = self._answer(method, path, **options)
        try:
            return answer.json() if answer.content else None
        except ValueError:
            raise GalaxyRefusedError(f"{self.url} does not answer as a Galaxy does.") from None

    def _answer(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise _away(self.url) from error
        if answer.status_code >= 300:
            raise self._error(answer)
        return answer

    def _error(self, answer: httpx.Response) -> GalaxyAwayError | GalaxyKeyError | GalaxyRefusedError:
        status = answer.status_code
        if status >= 500 or status in (408, 429):
            return _away(self.url)
        if status < 400:
            return GalaxyRefusedError(
                f"{self.url} redirects.", advice="Link the address that it redirects to, without a path."
            )
        if status == 401:
            return _wrong_key(self.url)
        return GalaxyRefusedError(f"{self.url} refuses: {_words(answer)}")


def _part(source: Path, offset: int, length: int) -> Iterator[bytes]:
    with source.open("rb") as file:
        file.seek(offset)
        left = length
        while left and (block := file.read(min(_BLOCK, left))):
            yield block
            left -= len(block)


def _save(answer: httpx.Response, target: Path, limit: int) -> None:
    size = 0
    with target.open("wb") as file:
        for block in answer.iter_bytes(_BLOCK):
            size += len(block)
            if size > limit:
                raise TooLargeError(f"An output is larger than the {limit} bytes that one file may have.")
            file.write(block)


def _words(answer: httpx.Response) -> str:
    """What it says, for people: it is a stranger's text, so not without end."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    told = str(body.get("err_msg") or body.get("message") or "") if isinstance(body, dict) else ""
    return " ".join(told.split())[:500] or f"HTTP {answer.status_code}."


def _away(url: str) -> GalaxyAwayError:
    return GalaxyAwayError(f"{url} does not answer.", advice="It is asked again.")


def _wrong_key(url: str) -> GalaxyKeyError:
    return GalaxyKeyError(
        f"{url} does not accept the key.", advice="Link the account again, with a new key of that Galaxy."
    )
