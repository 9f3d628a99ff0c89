"""Alembic migrations of the history server's database; run at every start by `Database.migrate`."""
