"""What each front-end extension costs when a lab is opened: `.venv/bin/python -m benchmarks.lab_pages HOME`.

`HOME` holds installed environments. One JupyterLab with the labs' own configuration is opened again and
again, each time with an empty cache, from the first request until its launcher stands there. In each case the
page that the server sends is told of other extensions; cases are taken in turn, and the median is shown.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Route, sync_playwright
from rich.console import Console
from rich.table import Table
from tests.conftest import BROWSER_FLAGS, BROWSERS

TURNS = 5
CONFIG = Path(__file__).parents[1] / "packages/perijove/src/perijove/hub/lab_config"
_CONFIG_DATA = re.compile(r'(<script id="jupyter-config-data"[^>]*>)(.*?)(</script>)', re.DOTALL)


@contextmanager
def lab(home: Path) -> Iterator[str]:
    """The address of a JupyterLab of the installed environment, with its token."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    command = [str(home / "envs" / "lab" / "bin" / "python"), "-s", "-m", "jupyterlab", "--allow-root"]
    command += ["--no-browser", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    with tempfile.TemporaryDirectory() as folder:
        given = {"HOME": folder, "JUPYTER_CONFIG_PATH": str(CONFIG), "JUPYTER_TOKEN": token}
        quiet = subprocess.DEVNULL
        with subprocess.Popen(
            command, cwd=folder, env={**os.environ, **given}, stdout=quiet, stderr=quiet
        ) as server:
            url = f"http://127.0.0.1:{port}"
            _await(f"{url}/api", server)
            yield f"{url}/lab?reset&token={token}"
            server.kill()


def _await(url: str, server: subprocess.Popen[bytes]) -> None:
    while True:
        try:
            httpx.get(url).raise_for_status()
            return
        except httpx.HTTPError:
            if server.poll() is not None:
                raise
            time.sleep(0.1)


def names_of(url: str) -> list[str]:
    """The front-end extensions that the lab's page names."""
    with httpx.Client(follow_redirects=True) as client:
        found = _CONFIG_DATA.search(client.get(url).text)
    assert found is not None
    return [one["name"] for one in json.loads(found[2])["federated_extensions"]]


def opened(browser: Browser, url: str, left_out: set[str]) -> float:
    """Seconds from the first request until the launcher is there, without some extensions."""

    def answer(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=_CONFIG_DATA.sub(without, response.text()))

    def without(found: re.Match[str]) -> str:
        data = json.loads(found[2])
        kept = [one for one in data["federated_extensions"] if one["name"] not in left_out]
        return found[1] + json.dumps({**data, "federated_extensions": kept}) + found[3]

    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.route(re.compile(r"/lab\?"), answer)
    begin = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator(".jp-Launcher-section").first.wait_for(timeout=120_000)
    passed = time.perf_counter() - begin
    context.close()
    return passed


def main() -> None:
    """Measure and print."""
    program = next(filter(None, map(shutil.which, BROWSERS)))
    with lab(Path(sys.argv[1])) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(BROWSER_FLAGS))
        names = names_of(url)
        cases = {"lean: JupyterLab without any of these": set(names), "ours": set()}
        cases |= {f"ours without {name}": {name} for name in names}
        times: dict[str, list[float]] = {case: [] for case in cases}
        opened(browser, url, set())  # the server reads its files once
        for _ in range(TURNS):
            for case, left_out in cases.items():
                times[case].append(opened(browser, url, left_out))
        browser.close()
    show(times)


def show(times: dict[str, list[float]]) -> None:
    table = Table(title="Opening a lab in the browser, with an empty cache")
    for heading in ("case", "median", "ratio", "fastest"):
        table.add_column(heading, overflow="fold")
    lean = statistics.median(next(iter(times.values())))
    for case, taken in times.items():
        median = statistics.median(taken)
        table.add_row(case, f"{median:.2f} s", f"{median / lean:.2f}", f"{min(taken):.2f} s")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
