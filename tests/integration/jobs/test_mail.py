"""Letters about ended jobs, to a real mail server on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as Handler
from tests.integration.jobs.conftest import make_server
from tests.integration.jobs.harness import Server, User, free_port

from perijove.core.errors import ConfigurationError
from perijove.core.settings import load_settings


class Letters(Handler):
    """Keeps what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.arrived.append(message)

    def wait(self, count: int) -> list[Message]:
        end = time.monotonic() + 30
        while len(self.arrived) < count:
            assert time.monotonic() < end, "no letter has come"
            time.sleep(0.05)
        return self.arrived


@pytest.fixture(scope="module")
def letters() -> Letters:
    return Letters()


@pytest.fixture(scope="module")
def mail_server(letters: Letters) -> Iterator[Controller]:
    controller = Controller(letters, hostname="127.0.0.1", port=free_port() + 40)
    controller.start()
    yield controller
    controller.stop()


@pytest.fixture(scope="module")
def writing(scratch: Path, mail_server: Controller) -> Iterator[Callable[..., Server]]:
    """Starts servers that write to that mail server."""
    running: list[Server] = []

    def started(name: str, **more: str) -> Server:
        given = {
            "PERIJOVE_MAIL__HOST": "127.0.0.1",
            "PERIJOVE_MAIL__PORT": str(mail_server.port),
            "PERIJOVE_MAIL__SECURITY": "none",
            "PERIJOVE_MAIL__SENDER": "perijove@example.org",
            "PERIJOVE_MAIL__ADDRESSES": '{"ada": "ada@example.org"}',
            "PERIJOVE_MAIL__AFTER": "0",
        }
        server = make_server(scratch, name, **{**given, **more})
        server.start()
        running.append(server)
        return server

    yield started
    for server in running:
        server.stop()


def test_an_ended_job_is_told_of_once(writing: Callable[..., Server], letters: Letters) -> None:
    server = writing("mail")
    ada = User(server, "ada")
    history = ada.history("Lungs")
    ada.wait(ada.run(history, "print(1)", name="U-Net"))
    (good,) = letters.wait(1)
    assert good["To"] == "ada@example.org"
    assert good["From"] == "perijove@example.org"
    assert good["Subject"] == "U-Net is done"
    assert "Lungs" in str(good.get_payload())

    ada.wait(ada.run(history, "1 / 0", name="Broken"))
    _, bad = letters.wait(2)
    assert bad["Subject"] == "Broken has failed"

    cancelled = ada.run(history, "import time; time.sleep(600)")
    ada.wait_for_state(cancelled, "running")
    ada.http.delete(f"/api/jobs/{cancelled}")
    ada.wait(cancelled)
    bob = User(server, "bob")  # nobody has said where to write to
    bob.wait(bob.run(bob.history(), "print(1)"))
    server.kill()
    server.start()
    time.sleep(2)
    assert len(letters.arrived) == 2


def test_a_quick_job_is_not_told_of(writing: Callable[..., Server], letters: Letters) -> None:
    before = len(letters.arrived)
    ada = User(writing("quick", PERIJOVE_MAIL__AFTER="300"), "ada")
    ada.wait(ada.run(ada.history(), "print(1)"))
    time.sleep(2)
    assert len(letters.arrived) == before


def test_a_mail_server_that_is_away_holds_nothing_up(scratch: Path, writing: Callable[..., Server]) -> None:
    server = writing("away", PERIJOVE_MAIL__PORT=str(free_port() + 60))
    ada = User(server, "ada")
    assert ada.wait(ada.run(ada.history(), "print(1)"))["state"] == "ok"
    began = time.monotonic()
    server.terminate()
    assert time.monotonic() - began < 15
    assert "nobody was written to" in server.log()
    server.start()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"HOST": "mail.example.org"}, "mail.sender is needed"),
        ({"PASSWORD": "secret", "SECURITY": "none"}, "in the clear"),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], said: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"PERIJOVE_MAIL__{name}", value)
    with pytest.raises(ConfigurationError, match=said) as refused:
        load_settings(home=tmp_path)
    assert "secret" not in str(refused.value)
