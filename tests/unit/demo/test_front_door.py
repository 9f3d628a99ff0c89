"""The demo's browser, lab and Galaxy clients against a small server that answers as the platform does."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from perijove.core.errors import ConflictError, EngineError, NotFoundError, PerijoveError
from perijove.demo import galaxy
from perijove.demo.browser import Browser, Choice
from perijove.demo.galaxy import Galaxy
from perijove.demo.lab import CHUNK, Lab

FORM = '<form id="spawn_form" action="/hub/spawn?_xsrf=t%2B1" method="post">'
FLAVORS = (
    '<input type="radio" name="flavor" id="flavor-big" value="big" required  disabled>'
    '<input type="radio" name="flavor" id="flavor-small" value="small" required checked >'
)


class Platform(ThreadingHTTPServer):
    """Answers by `(method, path)` with (status, body); notes every request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict = {}
        self.seen: list[SimpleNamespace] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def of(self, method: str, path: str) -> list[SimpleNamespace]:
        return [one for one in self.seen if (one.method, one.path) == (method, path)]


class _Handler(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(
            SimpleNamespace(
                method=self.command, path=url.path, query=url.query, body=body, headers=self.headers
            )
        )
        found = self.server.answers.get((self.command, url.path), (404, "nothing here"))
        found = found() if callable(found) else found
        status, text = found
        text = json.dumps(text) if isinstance(text, dict) else text
        content = text.encode() if isinstance(text, str) else text
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def platform() -> Iterator[Platform]:
    server = Platform()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def lab(platform: Platform) -> Lab:
    return Lab(url=platform.url, name="ada", token=SecretStr("secret"))


@pytest.fixture
def service(platform: Platform) -> Galaxy:
    return Galaxy(url=f"{platform.url}/services/galaxy", token=SecretStr("secret"))


def test_sign_up_sends_the_forms_token_and_both_passwords(platform: Platform):
    platform.answers[("GET", "/hub/signup")] = (200, '<input type="hidden" name="_xsrf" value="a&amp;b">')
    platform.answers[("POST", "/hub/signup")] = (200, '<div id="signup-done">')
    Browser(platform.url).sign_up("ada", SecretStr("pass word"))
    sent = parse_qs(platform.of("POST", "/hub/signup")[0].body.decode())
    assert sent["_xsrf"] == ["a&b"]
    assert sent["signup_password"] == sent["signup_password_confirmation"] == ["pass word"]


def test_a_platform_without_sign_up_is_told(platform: Platform):
    platform.answers[("GET", "/hub/signup")] = (404, "<h1>404</h1>")
    with pytest.raises(ConflictError, match="has no sign-up"):
        Browser(platform.url).sign_up("ada", SecretStr("pass word"))


def test_a_refused_sign_up_says_what_the_page_says_and_not_the_password(platform: Platform):
    platform.answers[("GET", "/hub/signup")] = (200, '<input name="_xsrf" value="t">')
    refusal = '<p class="alert alert-danger" role="alert">This name is <b>taken</b>. Choose another.</p>'
    platform.answers[("POST", "/hub/signup")] = (409, refusal)
    with pytest.raises(PerijoveError, match=r"gave 409: This name is taken \. Choose another\.") as caught:
        Browser(platform.url).sign_up("ada", SecretStr("pass word"))
    assert "pass word" not in str(caught.value)


def test_flavors_are_read_from_the_start_page(platform: Platform):
    platform.answers[("GET", "/hub/spawn")] = (200, FORM + FLAVORS)
    assert Browser(platform.url).choices() == [
        Choice(name="big", free=False),
        Choice(name="small", free=True),
    ]


def test_the_start_form_is_sent_where_it_says(platform: Platform):
    platform.answers[("GET", "/hub/spawn")] = (200, FORM + FLAVORS)
    platform.answers[("POST", "/hub/spawn")] = (200, "starting")
    Browser(platform.url).start_lab("small")
    sent = platform.of("POST", "/hub/spawn")[0]
    assert (sent.query, sent.body) == ("_xsrf=t%2B1", b"flavor=small")


def test_a_start_that_fails_says_why(platform: Platform, lab: Lab):
    stream = (
        'data: {"progress": 5, "message": "looking"}\n\ndata: {"failed": true, "message": "no memory"}\n\n'
    )
    platform.answers[("GET", "/hub/api/users/ada/server/progress")] = (200, stream)
    said: list[str] = []
    with pytest.raises(ConflictError, match="no memory"):
        lab.wait_until_ready(said.append)
    assert said == ["looking"]


def test_a_start_that_succeeds_returns(platform: Platform, lab: Lab):
    platform.answers[("GET", "/hub/api/users/ada/server/progress")] = (200, 'data: {"ready": true}\n\n')
    lab.wait_until_ready(lambda _: None)
    assert platform.seen[0].headers["Authorization"] == "token secret"


def test_a_stream_that_breaks_off_is_a_failure(platform: Platform, lab: Lab):
    platform.answers[("GET", "/hub/api/users/ada/server/progress")] = (200, 'data: {"message": "…"}\n\n')
    with pytest.raises(ConflictError, match="did not become ready"):
        lab.wait_until_ready(lambda _: None)


@pytest.mark.parametrize("size", [10, CHUNK, 2 * CHUNK + 5])
def test_an_upload_arrives_whole_and_in_order(platform: Platform, lab: Lab, tmp_path: Path, size: int):
    source = tmp_path / "ct.h5"
    source.write_bytes(bytes(range(256)) * (size // 256) + bytes(size % 256))
    platform.answers[("PUT", "/user/ada/api/contents/a")] = (201, {})
    platform.answers[("PUT", "/user/ada/api/contents/a/b.h5")] = (201, {})
    lab.upload(source, "a/b.h5")
    parts = [json.loads(one.body) for one in platform.of("PUT", "/user/ada/api/contents/a/b.h5")]
    assert b"".join(base64.b64decode(part["content"]) for part in parts) == source.read_bytes()
    chunks = [part.get("chunk") for part in parts]
    assert chunks == ([None] if len(parts) == 1 else [*range(1, len(parts)), -1])


def test_a_missing_notebook_is_told_with_advice(lab: Lab):
    with pytest.raises(NotFoundError) as caught:
        lab.notebook("x.ipynb")
    assert "PERIJOVE_HOME" in caught.value.advice


def job(state: str, **extra: object) -> tuple[int, dict]:
    return 200, {"id": "j", "state": state, "perijove": extra}


def test_waiting_ends_with_the_job(platform: Platform, service: Galaxy):
    states = iter(["queued", "running", "ok"])
    platform.answers[("GET", "/services/galaxy/api/jobs/j")] = lambda: job(next(states))
    seen: list[str] = []
    assert service.wait("j", lambda one: seen.append(one["state"]), pause=0)["state"] == "ok"
    assert seen == ["queued", "running", "ok"]
    assert platform.seen[0].headers["x-api-key"] == "secret"


def test_a_failed_job_says_its_own_error_and_advice(platform: Platform, service: Galaxy):
    error = {"type": "MemoryError", "message": "too much", "advice": "Ask for more."}
    platform.answers[("GET", "/services/galaxy/api/jobs/j")] = job("error", error=error)
    with pytest.raises(EngineError, match="MemoryError: too much") as caught:
        service.wait("j", lambda _: None, pause=0)
    assert caught.value.advice == "Ask for more."


def test_an_element_of_a_collection_is_fetched_by_its_name(platform: Platform, service: Galaxy):
    elements = [{"element_identifier": "fig.png", "object": {"id": "d1"}}]
    platform.answers[("GET", "/services/galaxy/api/dataset_collections/c")] = (200, {"elements": elements})
    platform.answers[("GET", "/services/galaxy/api/datasets/d1/display")] = (200, b"\x89PNG")
    made = {"output_collections": {"files": {"id": "c"}}}
    assert service.element(made, "files", "fig.png") == b"\x89PNG"
    with pytest.raises(NotFoundError, match=r"has no other; it has: fig\.png"):
        service.element(made, "files", "other")


def test_progress_in_one_line():
    running = {
        "state": "running",
        "perijove": {"progress": {"percent": 40, "epoch": 2, "epochs": 5, "metrics": {"loss": 0.31}}},
    }
    assert galaxy.standing(running) == "running, epoch 2/5, loss 0.310"
    assert galaxy.percent(running) == 40
    waiting = {"state": "queued", "perijove": {"reason": "all CPUs are taken"}}
    assert galaxy.standing(waiting) == "queued, all CPUs are taken"
    assert galaxy.percent(waiting) is None
