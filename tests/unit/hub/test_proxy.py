"""The proxy's command lines: private API on loopback, token in the environment, uploads without an end."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from perijove.core.errors import ConfigurationError
from perijove.core.settings import Settings
from perijove.hub import proxy, run
from perijove.hub.private import read_ports, read_secrets


def option(argv: tuple[str, ...], name: str) -> str:
    return argv[argv.index(name) + 1]


def with_certificate(settings: Settings) -> Settings:
    return settings.model_copy(update={"ssl_certificate": Path("/c.pem"), "ssl_key": Path("/k.pem")})


def test_the_proxy_holds_the_front_door_and_hides_its_api(settings: Settings) -> None:
    spec, ports = run.proxy_process(settings), read_ports(settings.layout)
    assert option(spec.argv, "--ip") == settings.bind
    assert option(spec.argv, "--port") == str(settings.port)
    assert option(spec.argv, "--api-ip") == "127.0.0.1"
    assert option(spec.argv, "--api-port") == str(ports.proxy_api)
    assert run.tls_process(settings) is None


def test_no_secret_stands_in_a_command_line_or_in_text(settings: Settings) -> None:
    secrets = read_secrets(settings.layout)
    for spec in (run.proxy_process(settings), run.hub_process(settings)):
        text = " ".join(spec.argv) + repr(spec)
        assert not [value for value in secrets.model_dump().values() if value in text]
    token = run.proxy_process(settings).env["CONFIGPROXY_AUTH_TOKEN"]
    assert token == secrets.proxy_token.get_secret_value()


def test_behind_a_certificate_the_routes_are_on_loopback_and_labs_speak_plain_http_there(
    settings: Settings,
) -> None:
    secure = with_certificate(settings)
    door = read_ports(settings.layout).door
    inner, outer = run.proxy_process(secure), run.tls_process(secure)
    assert outer is not None
    assert (option(inner.argv, "--ip"), option(inner.argv, "--port")) == ("127.0.0.1", str(door))
    assert option(outer.argv, "--port") == str(settings.port)
    assert option(outer.argv, "--ssl-cert") == "/c.pem"
    assert option(outer.argv, "--default-target") == f"http://127.0.0.1:{door}"
    assert proxy.door_address(secure) == ("127.0.0.1", door)
    # What the outer door says about the browser must not be overwritten by the inner one.
    assert "--no-x-forward" in inner.argv
    assert "--no-x-forward" not in outer.argv


@pytest.mark.parametrize("bind", ["127.0.0.1", "0.0.0.0", "::", "10.1.2.3", "::1", "labs.example.org"])
def test_labs_are_always_led_to_the_loopback(settings: Settings, bind: str) -> None:
    bound = settings.model_copy(update={"bind": bind})
    host, port = proxy.door_address(bound)
    inner, outer = run.proxy_process(bound), run.tls_process(bound)
    assert host == "127.0.0.1"
    assert option(inner.argv, "--port") == str(port)
    assert option(inner.argv, "--ip") in ("127.0.0.1", "0.0.0.0", "::")
    assert bind in (option(inner.argv, "--ip"), option(outer.argv, "--ip") if outer else "")


def test_a_missing_proxy_is_said_clearly(settings: Settings) -> None:
    shutil.rmtree(settings.layout.environments)
    with pytest.raises(ConfigurationError, match="not installed"):
        run.proxy_process(settings)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node on PATH")
@pytest.mark.parametrize(
    "program",
    [
        "const s = require('http').createServer(() => {}); console.log(s.requestTimeout)",
        "const s = require('http').createServer({keepAlive: true}, () => {}); console.log(s.requestTimeout)",
        "import('node:https').then(m => console.log(m.createServer({}, () => {}).requestTimeout))",
    ],
)
def test_a_slow_upload_is_not_cut_after_five_minutes(program: str) -> None:
    preload = Path(proxy.__file__).parent / "static/no_request_timeout.cjs"
    answer = subprocess.run(
        ["node", "--require", str(preload), "-e", program], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "0"
