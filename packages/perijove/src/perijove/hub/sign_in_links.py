"""One-time sign-in links: for the first administrator, and for whoever an administrator adds.

The token stands behind the `#` of the link, so neither a browser nor the proxy sends it in a request line and
no log holds it; the page posts it. On disk there is only its hash.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import Any

from jupyterhub.orm import Base  # type: ignore[import-untyped]
from sqlalchemy import Boolean, Column, Float, Integer, String, inspect

LIFETIME = 24 * 3600.0


class SignInLink(Base):  # type: ignore[misc]
    """A link not used yet. `username` empty: whoever uses it chooses the name."""

    __tablename__ = "perijove_sign_in_links"
    id = Column(Integer, primary_key=True, autoincrement=True)
    token_hash = Column(String(64), nullable=False, unique=True)
    username = Column(String(255), nullable=False, default="")
    admin = Column(Boolean, nullable=False, default=False)
    expires = Column(Float, nullable=False)


def make_table(db: Any) -> None:
    """Make the table where it is missing."""
    if not inspect(db.bind).has_table(SignInLink.__tablename__):
        SignInLink.__table__.create(db.bind)


def issue(db: Any, username: str = "", *, admin: bool = False, lifetime: float = LIFETIME) -> str:
    """A new token for `username`. Earlier links for the same name, and all that have expired, end."""
    db.query(SignInLink).filter(
        (SignInLink.username == username) | (SignInLink.expires <= time.time())
    ).delete(synchronize_session=False)
    token = secrets.token_urlsafe(32)
    db.add(
        SignInLink(token_hash=_hash(token), username=username, admin=admin, expires=time.time() + lifetime)
    )
    db.commit()
    return token


def find(db: Any, token: str) -> SignInLink | None:
    """The link that this token opens; None where it was used, has expired or never was."""
    link = db.query(SignInLink).filter(SignInLink.token_hash == _hash(token)).first()
    return link if link is not None and link.expires > time.time() else None


def _hash(token: str) -> str:
    # The token has 256 bits of chance: a plain hash cannot be reversed by trying.
    return hashlib.sha256(token.encode()).hexdigest()
