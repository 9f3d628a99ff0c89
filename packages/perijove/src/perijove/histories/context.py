"""What every request works with: settings, database, files, identity, engine."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from perijove.core.settings import Settings
from perijove.engines.base import Engine
from perijove.histories.database import Database
from perijove.histories.identity import Caller, Identity
from perijove.histories.services.changes import Changes
from perijove.histories.store.files import FileStore
from perijove.histories.store.models import User
from perijove.sandbox.launcher import Launcher


@dataclass(frozen=True)
class Account:
    """A caller with the row that everything of theirs hangs on."""

    id: str
    name: str
    admin: bool = False
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Context:
    """The parts of one history server; made by `create_app`, found at `app.state.context`."""

    settings: Settings
    database: Database
    files: FileStore
    identity: Identity
    changes: Changes
    engine: Engine | None = None
    launcher: Launcher | None = None
    _user_ids: dict[str, str] = field(default_factory=dict)

    def account(self, caller: Caller) -> Account:
        """The caller's account; made on the first visit."""
        user_id = self._user_ids.get(caller.name) or self._find_or_add(caller.name)
        return Account(user_id, caller.name, caller.admin, caller.groups)

    def _find_or_add(self, name: str) -> str:
        with self.database.read() as session:
            user_id = _user_id(session, name)
        if user_id is None:
            user_id = self._add(name)
        self._user_ids[name] = user_id
        return user_id

    def _add(self, name: str) -> str:
        try:
            with self.database.write() as session:
                user = User(name=name)
                session.add(user)
                session.flush()
                return user.id
        except IntegrityError:  # another request of the same user was first
            with self.database.read() as session:
                found = _user_id(session, name)
            if found is None:
                raise
            return found


def _user_id(session: Session, name: str) -> str | None:
    return session.scalar(select(User.id).where(User.name == name))
