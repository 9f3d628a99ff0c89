"""Archives of histories over HTTP."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from perijove.histories.schemas.common import Answer, EncodedId, Request


class StoreExport(Request):
    """What of a history goes into its archive, and in which form."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    model_store_format: Literal["rocrate.zip", "tar.gz", "tgz", "tar"] = "tar.gz"
    include_files: bool = True
    include_deleted: bool = Field(default=False, description="the contents of deleted datasets too")
    include_hidden: bool = Field(default=False, description="the contents of hidden datasets too")


class StoreRequest(Answer):
    """Where to fetch the archive: /api/short_term_storage/{storage_request_id}."""

    storage_request_id: str


class HistoryExport(Answer):
    """An export, as Galaxy's older call answers it; it is made while it is downloaded."""

    download_url: str
    external_download_latest_url: str
    external_download_permanent_url: str


class StoreImport(Request):
    """An archive to import, by the address of an allowed host."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    store_content_uri: str = Field(max_length=4096)
    model_store_format: str | None = None


class HistoryImport(Answer):
    """What was imported: unlike Galaxy's, it is there when the answer is."""

    id: EncodedId
    model_class: Literal["History"] = "History"
    name: str
    state: Literal["ok"] = "ok"
    message: str
