"""Identifiers as Galaxy's clients see them: 16 hexadecimal digits, random, never a counter.

They are the primary keys themselves, so nothing has to be encoded or decoded, and a job's identifier is
also the name of its directory. An identifier tells nobody how many others there are or what came before.
"""

from __future__ import annotations

import re
import secrets

ID_LENGTH = 16
ID_PATTERN = r"^[0-9a-f]{16}$"
UNGUESSABLE_LENGTH = 32
UNGUESSABLE_PATTERN = r"^[0-9a-f]{32}$"


def is_id(text: str) -> bool:
    """Whether `text` could be an identifier."""
    return re.fullmatch(r"[0-9a-f]{16}", text) is not None


def new_id() -> str:
    """A fresh identifier; 64 random bits."""
    return secrets.token_hex(ID_LENGTH // 2)


def new_unguessable_id() -> str:
    """An identifier that opens what it names to whoever knows it; 128 random bits."""
    return secrets.token_hex(UNGUESSABLE_LENGTH // 2)
