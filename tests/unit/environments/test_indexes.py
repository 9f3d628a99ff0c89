"""pip's configuration, told to uv."""

from __future__ import annotations

from perijove.environments.indexes import parse_configuration, uv_environment

LISTING = """\
:env:.find-links='/opt/a /opt/b'
global.cert='/etc/ssl/ca.crt'
global.find-links='/elsewhere'
global.index-url='https://packages.example/simple'
global.extra-index-url='https://one.example/simple https://two.example/simple'
list.format='columns'
"""


def test_the_environment_wins_over_files() -> None:
    assert parse_configuration(LISTING)["find-links"] == "/opt/a /opt/b"


def test_options_of_other_commands_are_left_out() -> None:
    assert "format" not in parse_configuration(LISTING)


def test_everything_is_translated() -> None:
    assert uv_environment(parse_configuration(LISTING), {}) == {
        "UV_DEFAULT_INDEX": "https://packages.example/simple",
        "UV_INDEX": "https://one.example/simple https://two.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/opt/a,/opt/b",
        "SSL_CERT_FILE": "/etc/ssl/ca.crt",
    }


def test_what_is_set_for_uv_stays() -> None:
    have = {"UV_DEFAULT_INDEX": "https://mine.example/simple", "SSL_CERT_FILE": "/mine.crt"}
    assert uv_environment(parse_configuration(LISTING), have) == {"UV_FIND_LINKS": "/opt/a,/opt/b"}


def test_no_configuration_changes_nothing() -> None:
    assert uv_environment(parse_configuration(""), {}) == {}
