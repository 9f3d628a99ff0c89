"""Programs that a lab starts on demand, models, and what a lab uses."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from perijove_lab.client.errors import AwayError, LabError
from perijove_lab.extension.dashboards.netron import page
from perijove_lab.extension.dashboards.programs import Programs, Wanted
from perijove_lab.extension.dashboards.proxy import confined
from perijove_lab.extension.dashboards.usage import Meter


def serving(folder: Path) -> Wanted:
    def command(port: int, address: str) -> list[str]:
        return [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]

    return Wanted("A server", folder, command)


def test_a_program_is_started_once_and_ends_when_nobody_looks(tmp_path: Path) -> None:
    async def scenario() -> None:
        programs = Programs("/user/ada/", idle=1.0, look=0.1)
        running = await programs.start(serving(tmp_path))
        assert await programs.start(serving(tmp_path)) is running
        assert programs.address(running) == f"/user/ada/perijove/programs/{running.key}"
        assert programs.find(running.key) is running
        assert programs.find("another") is None
        running.watched = 1
        await asyncio.sleep(1.5)
        assert running.alive
        running.watched = 0
        for _ in range(50):
            await asyncio.sleep(0.1)
            if not running.alive:
                break
        assert programs.find(running.key) is None
        assert await programs.start(serving(tmp_path)) is not running
        programs.close()

    asyncio.run(scenario())


def test_who_shows_a_subject_is_told_when_it_is_over(tmp_path: Path) -> None:
    ended: list[str] = []

    def shown(name: str, subject: str) -> Wanted:
        return replace(serving(tmp_path), subject=subject, ended=lambda: ended.append(name))

    async def scenario() -> None:
        programs = Programs("/", idle=60, look=0.1)
        running = await programs.start(shown("first", "job 1"))
        assert programs.showing(("A server", "job 1")) is running
        assert programs.showing(("A server", "job 2")) is None
        assert await programs.start(shown("second", "job 1")) is running
        assert ended == ["second"]
        other = await programs.start(shown("other", "job 2"))
        assert other is not running
        running.process.kill()
        for _ in range(50):
            await asyncio.sleep(0.1)
            if "first" in ended:
                break
        programs.close()

    asyncio.run(scenario())
    assert ended == ["second", "first", "other"]


def test_what_cannot_be_started_is_said(tmp_path: Path) -> None:
    missing = Wanted("TensorBoard", tmp_path, lambda port, address: ["/nonexistent/tensorboard"])
    with pytest.raises(LabError, match="TensorBoard could not be started"):
        asyncio.run(Programs("/").start(missing))
    failing = Wanted(
        "TensorBoard", tmp_path, lambda port, address: [sys.executable, "-c", "raise SystemExit(3)"]
    )
    with pytest.raises(AwayError, match="did not start"):
        asyncio.run(Programs("/").start(failing))


def test_usage_counts_against_the_flavor() -> None:
    meter = Meter({"CPU_LIMIT": "2", "MEM_LIMIT": "1073741824", "PERIJOVE_FLAVOR": "small"})
    held = bytearray(50_000_000)
    used = meter.read()
    assert (used.cpu_limit, used.memory_limit, used.flavor) == (2.0, 2**30, "small")
    assert used.memory > len(held)
    assert 0 <= used.cpus <= 10 * (os.cpu_count() or 1)


def test_without_a_flavor_there_is_no_limit() -> None:
    used = Meter({}).read()
    assert (used.cpu_limit, used.memory_limit, used.flavor) == (0.0, 0, "")


def test_netrons_page_looks_for_no_update_and_reports_to_nobody() -> None:
    shipped = (
        '<head>\n<meta name="version" content="9.3.3">\n<meta name="date" content="2020-01-01">\n</head>'
    )
    made = page(shipped)
    assert '<meta name="version" content="0.0.0">' in made
    assert "9.3.3" not in made
    assert "date" not in made


def test_pages_of_programs_ask_nobody_else_and_set_no_cookies() -> None:
    from types import SimpleNamespace

    from tornado.httputil import HTTPHeaders

    headers = HTTPHeaders({"Content-Type": "text/html", "Set-Cookie": "username=x"})
    body = (
        b'<link rel="stylesheet" href="https://cdn.example/a.css" /><link href="/own.css">'
        b'<script src="https://cdn.example/b.js"></script><script src="own.js"></script>'
    )
    response = SimpleNamespace(headers=headers, body=body)
    confined(response)
    assert response.body == b'<link href="/own.css"><script src="own.js"></script>'
    assert "Set-Cookie" not in headers
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
