"""Every setting of the platform, described once. The sample file and the reference page are made from here.

Sources, strongest first: environment variables (`PERIJOVE_PORT`, `PERIJOVE_HUB__IDLE_TIMEOUT`, …), then
`perijove.toml` in `PERIJOVE_HOME`, then the defaults below.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from perijove.core.errors import ConfigurationError
from perijove.core.flavors import Flavor
from perijove.core.layout import Layout, default_home
from perijove.core.resources import Size

NetworkPolicy = Literal["open", "none"]
Sharing = Literal["everybody", "groups", "nobody"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MachineSettings(_Section):
    """How much of the machine labs and jobs may hold together."""

    cpus: float | None = Field(
        default=None, gt=0, description="CPUs to grant; all of the machine where unset"
    )
    memory: Size | None = Field(default=None, description="memory to grant; 90 % of the machine where unset")
    gpus: tuple[int, ...] | None = Field(
        default=None, description="GPU indices to grant; all that the driver shows where unset"
    )


class SandboxSettings(_Section):
    """How labs and jobs are confined."""

    uid_base: int = Field(
        default=200_000, ge=10_000, description="first uid given to users; one uid per user"
    )
    network: NetworkPolicy = Field(
        default="open",
        description="`open`: the world, but neither the platform's private ports nor other users; `none`: "
        "only the platform",
    )
    processes: int = Field(default=512, ge=16, description="processes and threads of one lab or job")
    tmp_size: Size = Field(default=2**31, validate_default=True, description="size of the private /tmp")


class HubSettings(_Section):
    """JupyterHub: who comes in and how labs live."""

    authenticator: str = Field(
        default="native",
        description="`native` (sign-up with approval) or the name of an oauthenticator class, for example "
        "`github` or `generic-oauth`",
    )
    oauth: dict[str, Any] = Field(
        default_factory=dict,
        description="options of the OAuth authenticator as oauthenticator names them; secrets from the "
        "environment: PERIJOVE_HUB__OAUTH__CLIENT_SECRET",
    )
    idle_timeout: int = Field(
        default=0, ge=0, description="seconds after which a lab without a busy kernel is ended; 0: never"
    )
    max_named_servers: int = Field(default=3, ge=0, description="extra labs one user may hold")
    sharing: Sharing = Field(
        default="everybody",
        description="whom users may invite into rooms (labs that they share): `everybody` who has an "
        "account, also by link; only people of their own `groups`, by name; `nobody`. A stricter "
        "setting also ends, at the hub's start, what was given before: links and shares",
    )
    lab_image: str = Field(
        default="",
        description="container image that labs run in, by podman, for example perijove-lab:cpu (`perijove "
        "image build`); empty: labs see this machine's programs and the installed environments",
    )


class HistorySettings(_Section):
    """The embedded history server."""

    database_url: SecretStr | None = Field(
        default=None,
        description="SQLAlchemy URL, for example postgresql+psycopg://…; SQLite in PERIJOVE_HOME where unset",
    )
    quota: Size = Field(default=0, description="bytes one user may keep; 0: no limit")
    max_upload: Size = Field(default=2**40, validate_default=True, description="largest single file")
    fetch_hosts: tuple[str, ...] = Field(
        default=(), description="hosts that datasets may be fetched from by URL; empty: none"
    )


class JobSettings(_Section):
    """Jobs on this machine."""

    max_running_per_user: int = Field(default=0, ge=0, description="running jobs of one user; 0: no limit")
    environment: str = Field(default="ai", description="environment whose Python runs jobs")
    galaxies: tuple[str, ...] = Field(
        default=(),
        description="addresses of the Galaxies whose accounts users may link to send jobs there, for example "
        '["https://usegalaxy.eu"]; empty: none',
    )


class MailSettings(_Section):
    """E-mail to users whose jobs have ended; none is sent while `host` is empty."""

    host: str = Field(default="", description="the SMTP server; empty: no e-mail")
    port: int = Field(default=587, ge=1, le=65535, description="its port")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="how the connection is protected; `none` is refused where a password is set",
    )
    username: str = Field(default="", description="who signs in there; empty: nobody has to")
    password: SecretStr | None = Field(default=None, description="their password")
    sender: str = Field(default="", description="address that the e-mail comes from; needed with `host`")
    addresses: dict[str, str] = Field(
        default={},
        description="from a user's name to their address; a name that is an address is its own",
    )
    domain: str = Field(default="", description="all others are NAME@domain; empty: they get no e-mail")
    after: float = Field(
        default=300.0, ge=0, description="seconds a job must have taken, from its submission, to be told of"
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.host and not self.sender:
            raise ValueError("mail.sender is needed where mail.host is set")
        if self.password is not None and self.security == "none":
            raise ValueError("mail.security = none would send mail.password in the clear")
        return self

    def address_of(self, user: str) -> str | None:
        """Where to write to a user; None where nobody has said."""
        known = self.addresses.get(user) or (user if "@" in user else "")
        return known or (f"{user}@{self.domain}" if self.domain else None)


class Settings(BaseSettings):
    """All settings. Build it with `load_settings`, which turns what is wrong into one clear error."""

    model_config = SettingsConfigDict(
        env_prefix="PERIJOVE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    home: Path = Field(default_factory=default_home, description="where all state lies")
    bind: str = Field(
        default="127.0.0.1", description="address the front door listens on; 0.0.0.0 for every interface"
    )
    port: int = Field(default=8000, ge=1, le=65535, description="port of the front door")
    public_url: str = Field(
        default="",
        description="address users type, where a reverse proxy stands in front; made from bind and port "
        "where empty",
    )
    ssl_certificate: Path | None = Field(default=None, description="certificate of the front door (PEM)")
    ssl_key: Path | None = Field(default=None, description="key of that certificate (PEM)")
    single_user: bool = Field(
        default=False, description="one person, no confinement: for a laptop; refused to more than one user"
    )
    machine: MachineSettings = Field(
        default=MachineSettings(), description="how much of the machine is granted"
    )
    sandbox: SandboxSettings = Field(default=SandboxSettings(), description="how labs and jobs are confined")
    hub: HubSettings = Field(default=HubSettings(), description="JupyterHub")
    histories: HistorySettings = Field(default=HistorySettings(), description="the embedded history server")
    jobs: JobSettings = Field(default=JobSettings(), description="jobs")
    mail: MailSettings = Field(default=MailSettings(), description="e-mail about jobs")
    flavors: tuple[Flavor, ...] = Field(
        default=(), description="sizes of lab and job on offer; made from the machine where empty"
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        names = [flavor.name for flavor in self.flavors]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two flavors are named {', '.join(twice)}")
        if (self.ssl_certificate is None) != (self.ssl_key is None):
            raise ValueError("ssl_certificate and ssl_key go together: set both or neither")
        if self.single_user and self.hub.lab_image:
            raise ValueError(
                "hub.lab_image needs root, because only root can limit containers; start as root"
            )
        return self

    @property
    def layout(self) -> Layout:
        """Where everything lies."""
        return Layout(self.home)

    @property
    def url(self) -> str:
        """The front door as users reach it, without a slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        scheme = "https" if self.ssl_certificate else "http"
        host = "127.0.0.1" if self.bind in ("0.0.0.0", "::", "") else self.bind  # noqa: S104 (a comparison)
        return f"{scheme}://{host}:{self.port}"

    @property
    def galaxy_url(self) -> str:
        """What BioBlend takes as `url`; a JupyterHub token is its `key`."""
        return f"{self.url}/services/galaxy"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over `perijove.toml` over defaults."""
        file = Layout(default_home()).settings_file
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)


def load_settings(**overrides: Any) -> Settings:
    """The settings in force. ConfigurationError names each wrong setting, its value's fault and the file."""
    file = Layout(default_home()).settings_file
    try:
        return Settings(**overrides)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            f"{file} is not valid TOML: {error}.", advice="Mend the line it names."
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be read: {error.strerror}.", advice="Use the account that it belongs to (sudo)."
        ) from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'settings'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise ConfigurationError(
            f"A setting is wrong: {faults}.",
            advice=f"Mend it in {file} or in its PERIJOVE_… variable; `perijove settings` lists all of them.",
        ) from error
