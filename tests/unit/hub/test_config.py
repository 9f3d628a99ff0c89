"""The configuration: each function sets what it says; wrong settings are refused before the hub starts."""

from __future__ import annotations

from typing import Any

import pytest
from traitlets.config import Config

from perijove.core.errors import ConfigurationError
from perijove.core.settings import HubSettings, Settings
from perijove.hub import run
from perijove.hub.authentication import PerijoveAuthenticator, update_authentication
from perijove.hub.config import configure
from perijove.hub.private import read_ports, read_secrets
from perijove.hub.services import ADMINISTRATOR_SCOPES, LAB_SCOPES, update_roles, update_services


def configured(settings: Settings) -> Any:
    c = Config()
    configure(c, settings)
    return c


def with_hub(settings: Settings, **values: Any) -> Settings:
    return settings.model_copy(update={"hub": HubSettings(**values)})


def test_labs_and_proxy_outlive_the_hub(settings: Settings) -> None:
    c = configured(settings)
    assert c.JupyterHub.cleanup_servers is False
    assert c.JupyterHub.cleanup_proxy is False
    assert c.JupyterHub.shutdown_on_logout is False
    assert c.ConfigurableHTTPProxy.should_start is False
    assert c.PerijoveSpawner.start_timeout >= 120


def test_the_hub_itself_listens_on_loopback_only(settings: Settings) -> None:
    c = configured(settings.model_copy(update={"bind": "0.0.0.0"}))
    assert c.JupyterHub.hub_bind_url == f"http://127.0.0.1:{read_ports(settings.layout).hub}"


def test_pages_load_nothing_from_elsewhere_and_cannot_be_framed(settings: Settings) -> None:
    headers = configured(settings).JupyterHub.tornado_settings["headers"]
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_cookies_are_secure_where_the_door_is(settings: Settings) -> None:
    plain = configured(settings)
    assert plain.JupyterHub.tornado_settings["cookie_options"] == {"samesite": "Lax"}
    secure = configured(settings.model_copy(update={"public_url": "https://labs.example.org"}))
    assert secure.JupyterHub.tornado_settings["cookie_options"]["secure"] is True
    assert secure.JupyterHub.cookie_host_prefix_enabled is True
    assert "Strict-Transport-Security" in secure.JupyterHub.tornado_settings["headers"]


def test_a_public_address_with_a_path_is_refused(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="path"):
        configured(settings.model_copy(update={"public_url": "https://example.org/labs"}))


def test_native_sign_up_needs_approval_and_good_passwords(settings: Settings) -> None:
    c = configured(settings)
    assert c.JupyterHub.authenticator_class is PerijoveAuthenticator
    assert c.PerijoveAuthenticator.open_signup is False
    assert c.PerijoveAuthenticator.enable_signup is True
    assert c.PerijoveAuthenticator.minimum_password_length >= 10
    assert c.PerijoveAuthenticator.allowed_failed_logins > 0
    assert "admin_users" not in c.PerijoveAuthenticator


def test_nobody_signs_up_where_one_person_lives(settings: Settings) -> None:
    c = configured(settings.model_copy(update={"single_user": True}))
    assert c.PerijoveAuthenticator.enable_signup is False


OAUTH = {"client_id": "x", "client_secret": "y", "allowed_users": ["ada"], "admin_users": ["ada"]}


def test_oauth_by_name(settings: Settings) -> None:
    c = configured(with_hub(settings, authenticator="github", oauth=OAUTH))
    assert c.JupyterHub.authenticator_class.__name__ == "GitHubOAuthenticator"
    assert c.GitHubOAuthenticator.client_secret == "y"
    assert c.GitHubOAuthenticator.oauth_callback_url == f"{settings.url}/hub/oauth_callback"
    # JupyterHub's admin role would open every lab: the hook puts administrators into our group instead.
    assert "admin_users" not in c.GitHubOAuthenticator
    assert c.Authenticator.post_auth_hook is not None


@pytest.mark.parametrize(
    ("name", "oauth", "fault"),
    [
        ("gibtsnicht", OAUTH, "not known"),
        ("dummy", OAUTH, "not known"),
        ("github", {**OAUTH, "clientid": "x"}, "clientid"),
        ("github", {"allow_all": True}, "client_id and client_secret"),
        ("generic-oauth", {"client_id": "x", "client_secret": "y"}, "nobody in"),
    ],
)
def test_wrong_oauth_settings_are_named(
    settings: Settings, name: str, oauth: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        update_authentication(Config(), with_hub(settings, authenticator=name, oauth=oauth))


def test_the_culler_is_off_unless_asked_for(settings: Settings) -> None:
    c = Config()
    update_services(c, settings)
    assert [service["name"] for service in c.JupyterHub.services] == ["galaxy", "perijove-cli"]
    asked = with_hub(settings, idle_timeout=3600)
    update_services(c, asked)
    update_roles(c, asked)
    culler = c.JupyterHub.services[-1]
    assert "--timeout=3600" in culler["command"]
    assert {role["name"] for role in c.JupyterHub.load_roles} >= {"idle-culler"}


def test_no_service_is_an_administrator_of_jupyterhub(settings: Settings) -> None:
    c = configured(settings)
    assert not [service for service in c.JupyterHub.services if service.get("admin")]


def test_administrators_open_nobodys_lab_and_mint_nobodys_tokens() -> None:
    assert not [
        scope for scope in ADMINISTRATOR_SCOPES if scope.startswith(("access:servers", "tokens", "inherit"))
    ]


def test_a_labs_token_is_for_itself_and_the_histories() -> None:
    assert set(LAB_SCOPES) == {
        "users:activity!user",
        "access:servers!server",
        "read:users!user",
        "access:services!service=galaxy",
    }


def test_the_history_server_learns_where_it_is_and_who_it_is(settings: Settings) -> None:
    environment = run.galaxy_environment(settings)
    ports, secrets = read_ports(settings.layout), read_secrets(settings.layout)
    assert environment["JUPYTERHUB_API_TOKEN"] == secrets.galaxy_token.get_secret_value()
    assert environment["JUPYTERHUB_SERVICE_URL"] == f"http://127.0.0.1:{ports.histories}"
    assert environment["JUPYTERHUB_SERVICE_PREFIX"] == "/services/galaxy/"


def test_the_hub_reads_the_same_settings_as_the_supervisor(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings.model_copy(
        update={"port": 25_555, "single_user": True, "public_url": "https://x.example"}
    )
    for name, value in run.hub_process(given).env.items():
        monkeypatch.setenv(name, value)
    read = Settings()
    assert (read.home, read.port, read.single_user, read.public_url) == (
        settings.home,
        25_555,
        True,
        "https://x.example",
    )
