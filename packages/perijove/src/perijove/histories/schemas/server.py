"""The server itself over HTTP."""

from __future__ import annotations

from perijove.histories.schemas.common import Answer


class Version(Answer):
    """The release of Galaxy whose API this server speaks, and which server it is."""

    version_major: str
    version_minor: str
    extra: dict[str, str]


class Datatype(Answer):
    """A type of dataset."""

    extension: str
    description: str
    display_in_upload: bool = True
    mimetype: str


class Configuration(Answer):
    """What a client may want to know before it asks."""

    brand: str
    version_major: str
    version_minor: str
    allow_user_creation: bool = False
    allow_user_deletion: bool = False
    allow_user_dataset_purge: bool = True
    use_remote_user: bool = True
    require_login: bool = False
    single_user: bool
    enable_quotas: bool
    chunk_upload_size: int
    max_upload: int
    fetch_hosts: list[str]
    galaxy_url: str
    datatypes_disable_auto: bool = False
    logo_url: str | None = None
    terms_url: str | None = None
    support_url: str | None = None


class JobLock(Answer):
    """Whether an administrator holds back the jobs that have not started."""

    active: bool
