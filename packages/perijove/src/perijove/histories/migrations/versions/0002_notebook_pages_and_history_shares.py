"""notebook pages and history shares."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notebook_pages",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("notebook_digest", sa.String(length=64), nullable=False),
        sa.Column("html_digest", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("interactive", sa.Boolean(), nullable=False),
        sa.Column("create_time", sa.DateTime(), nullable=False),
        sa.Column("update_time", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notebook_pages_user_id")),
        sa.ForeignKeyConstraint(
            ["notebook_digest"], ["files.digest"], name=op.f("fk_notebook_pages_notebook_digest")
        ),
        sa.ForeignKeyConstraint(["html_digest"], ["files.digest"], name=op.f("fk_notebook_pages_html_digest")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notebook_pages")),
    )
    for column in ("user_id", "notebook_digest", "html_digest"):
        op.create_index(op.f(f"ix_notebook_pages_{column}"), "notebook_pages", [column])
    op.create_table(
        "history_shares",
        sa.Column("history_id", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.String(length=16), nullable=False),
        sa.Column("create_time", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["history_id"], ["histories.id"], name=op.f("fk_history_shares_history_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_history_shares_user_id")),
        sa.PrimaryKeyConstraint("history_id", "user_id", name=op.f("pk_history_shares")),
    )
    op.create_index(op.f("ix_history_shares_user_id"), "history_shares", ["user_id"])


def downgrade() -> None:
    op.drop_table("history_shares")
    op.drop_table("notebook_pages")
