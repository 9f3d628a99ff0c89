"""Datasets from URLs, only from hosts that the administrator listed (`histories.fetch_hosts`).

An entry `zenodo.org` allows https and http on their usual ports, at public addresses only: a name that leads
to this machine or a private network is refused, so that the server cannot be sent there. An entry with a port
(`mirror.lan:8080`) allows exactly that port, wherever it leads: the administrator named it. The address that
was checked is the one connected to, and every redirect is checked again.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from perijove.core.errors import BadRequestError, ForbiddenError, PerijoveError, TooLargeError
from perijove.core.resources import format_size
from perijove.core.states import DatasetState, JobState
from perijove.histories.context import Context
from perijove.histories.services.datasets import described, fail_dataset, fill_dataset
from perijove.histories.services.quotas import ensure_room
from perijove.histories.store.files import write_all
from perijove.histories.store.models import Dataset, Job
from perijove.histories.store.types import utcnow

TOOLS = ("upload1", "__DATA_FETCH__")
_PORTS = {"https": 443, "http": 80}
_REDIRECTS = 5
_TIMEOUT = httpx.Timeout(30.0, connect=15.0)
_LONGEST = 6 * 3600.0
_downloads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="fetch")
log = logging.getLogger("perijove.histories.fetch")


def check_url(url: str, hosts: Sequence[str]) -> SplitResult:
    """The parts of an allowed URL. ForbiddenError: the host is not listed; BadRequestError: no URL."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise BadRequestError("This is no URL.") from None
    if parts.scheme not in _PORTS or not host:
        raise BadRequestError("Datasets can be fetched from http and https addresses only.")
    if parts.username or parts.password:
        raise BadRequestError("A URL with a password in it is refused.", advice="Upload the file instead.")
    listed = {entry.lower() for entry in hosts}
    plain = host in listed and port in (None, _PORTS[parts.scheme])
    if not plain and f"{host}:{port or _PORTS[parts.scheme]}" not in listed:
        raise ForbiddenError(
            f"Fetching from {host[:100]} is not allowed here.",
            advice="Upload the file, or ask an administrator to add the host to histories.fetch_hosts.",
        )
    return parts


def start(context: Context, job_id: str) -> None:
    """Fetch a job's URLs in the background."""
    _downloads.submit(_run, context, job_id)


def resume(context: Context) -> None:
    """At start: fetch again what a stop of the server interrupted."""
    with context.database.read() as session:
        unfinished = (JobState.NEW, JobState.QUEUED, JobState.RUNNING)
        query = select(Job.id).where(Job.tool_id.in_(TOOLS), Job.state.in_(unfinished))
        ids = list(session.scalars(query))
    for job_id in ids:
        start(context, job_id)


def _run(context: Context, job_id: str) -> None:
    try:
        items = _begin(context, job_id)
        faults = [fault for item in items if (fault := _fetch_one(context, item))]
        _end(context, job_id, faults)
    except Exception:
        log.exception("fetching for job %s failed", job_id)


def _begin(context: Context, job_id: str) -> list[dict[str, Any]]:
    with context.database.write() as session:
        job = session.get_one(Job, job_id)
        job.state = JobState.RUNNING
        return list(job.spec.get("fetch", []))


def _end(context: Context, job_id: str, faults: Sequence[str]) -> None:
    with context.database.write() as session:
        job = session.get_one(Job, job_id)
        job.state = JobState.ERROR if faults else JobState.OK
        job.exit_code = 1 if faults else 0
        job.end_time = utcnow()
        if faults:
            job.error = {"type": "FetchFailed", "message": " ".join(faults)[:2000]}


def _fetch_one(context: Context, item: dict[str, Any]) -> str | None:
    """Fetch one dataset; what went wrong, if anything did."""
    if not _claim(context, item["dataset"]):
        return None
    path = context.files.new_staging_path()
    try:
        download(context, str(item["url"]), path)
        _publish(context, item, path)
    except PerijoveError as error:
        return _failed(context, item, str(error))
    except (httpx.HTTPError, OSError) as error:
        return _failed(context, item, f"The download failed: {type(error).__name__}.")
    finally:
        path.unlink(missing_ok=True)
    return None


def _claim(context: Context, dataset_id: str) -> bool:
    with context.database.write() as session:
        dataset = session.get_one(Dataset, dataset_id)
        if dataset.state.final:
            return False
        dataset.state = DatasetState.RUNNING
        return True


def _failed(context: Context, item: dict[str, Any], message: str) -> str:
    with context.database.write() as session:
        fail_dataset(session, session.get_one(Dataset, item["dataset"]), message)
    return message


def _publish(context: Context, item: dict[str, Any], path: Path) -> None:
    with context.files.holding():
        finished = described(context.files, context.files.store(path), name=item["name"], ext=item["ext"])
        with context.database.write() as session:
            dataset = session.get_one(Dataset, item["dataset"])
            _ensure(session, context, dataset, finished.content.size)
            fill_dataset(session, dataset, finished)


def _ensure(session: Session, context: Context, dataset: Dataset, size: int) -> None:
    ensure_room(session, dataset.history.user_id, size, context.settings)


def download(context: Context, url: str, target: Path) -> None:
    """What lies at the URL, as a file at `target`. ForbiddenError, BadRequestError, TooLargeError."""
    with httpx.Client(timeout=_TIMEOUT, trust_env=False, follow_redirects=False) as client:
        for _ in range(_REDIRECTS + 1):
            parts = check_url(url, context.settings.histories.fetch_hosts)
            request = _pinned(client, parts, context.settings.histories.fetch_hosts)
            response = client.send(request, stream=True)
            try:
                if not response.is_redirect:
                    _save(context, response, target)
                    return
                url = urljoin(url, response.headers["location"])
            finally:
                response.close()
    raise BadRequestError("The address redirects too often.")


def _pinned(client: httpx.Client, parts: SplitResult, hosts: Sequence[str]) -> httpx.Request:
    """A request to the address that was checked, with the name it was checked for."""
    host, port = str(parts.hostname), parts.port or _PORTS[parts.scheme]
    exact = f"{host.lower()}:{port}" in {entry.lower() for entry in hosts}
    address = _address(host, port, any_network=exact)
    netloc = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    url = urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, ""))
    headers = {
        "Host": host if port == _PORTS[parts.scheme] else f"{host}:{port}",
        "Accept-Encoding": "identity",
    }
    return client.build_request("GET", url, headers=headers, extensions={"sni_hostname": host})


def _address(host: str, port: int, *, any_network: bool) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise BadRequestError(f"The host {host[:100]} is not known.") from None
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not any_network and not ipaddress.ip_address(address.partition("%")[0]).is_global:
            raise ForbiddenError(
                f"{host[:100]} leads into a private network.", advice="Upload the file instead."
            )
    return addresses[0]


def _save(context: Context, response: httpx.Response, target: Path) -> None:
    if response.status_code != 200:
        raise BadRequestError(
            f"The host answered {response.status_code}.", advice="Look at the address in a browser."
        )
    limit, size, until = context.settings.histories.max_upload, 0, time.monotonic() + _LONGEST
    context.files.ensure_space(_announced(response))
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        for chunk in response.iter_raw(2**20):
            size += len(chunk)
            if size > limit or time.monotonic() > until:
                raise TooLargeError(f"The file is larger than {format_size(limit)}, or took too long.")
            write_all(descriptor, chunk)
    finally:
        os.close(descriptor)


def _announced(response: httpx.Response) -> int:
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() and len(length) < 18 else 0
