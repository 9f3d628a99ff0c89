"""Alembic's entry: runs the migrations on the connection that `Database.migrate` hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import JSON

from perijove.histories.store.models import Base
from perijove.histories.store.types import Tags


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Our own column types as plain ones: a migration must go on working when our classes change."""
    if kind == "type" and isinstance(item, Tags):
        return "sa.Text()"
    if kind == "type" and isinstance(item, JSON):
        return "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=render_item,
    compare_type=True,
)
context.run_migrations()
