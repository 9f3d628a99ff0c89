"""Column types that SQLite and PostgreSQL share."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Enum, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

JsonColumn = JSON().with_variant(JSONB(), "postgresql")


def enum_column(kind: type[StrEnum]) -> Enum:
    """A column that holds the values of `kind` as text; a new value needs no migration."""
    return Enum(
        kind, native_enum=False, length=16, values_callable=lambda members: [m.value for m in members]
    )


def utcnow() -> datetime:
    """Now, in UTC and without a zone: what the columns hold and Galaxy's API shows."""
    return datetime.now(UTC).replace(tzinfo=None)


class Tags(TypeDecorator[list[str]]):
    """A list of tags as lines of text, each between two newlines, so that LIKE finds one."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> str:
        """Lines of text; the empty string for no tags."""
        return "".join(f"\n{tag}\n" for tag in value or [])

    def process_result_value(self, value: Any, dialect: Dialect) -> list[str]:
        """The tags, in the order they were given."""
        return [tag for tag in str(value or "").split("\n") if tag]
