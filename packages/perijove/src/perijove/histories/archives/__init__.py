"""Histories as files: Galaxy's archives and RO-Crates, written and read. No database, no web framework."""
