"""A uid and a private home for every user, without an entry in the host's user database."""

from __future__ import annotations

import hashlib
import os
import pwd
import re
from dataclasses import dataclass

from perijove.core.errors import BadRequestError, InsufficientResourcesError, StorageError
from perijove.core.layout import Layout
from perijove.core.settings import Settings
from perijove.sandbox.databases import Database
from perijove.sandbox.spec import Account

PLATFORM_ACCOUNT = "perijove"
UIDS = 1_000_000

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS accounts "
    "(user TEXT PRIMARY KEY, uid INTEGER NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE)"
)
_PLAIN = re.compile(r"^[a-z][a-z0-9_-]{0,30}$")
_RESERVED = frozenset({"root", "nobody", "nogroup"})


@dataclass(frozen=True, kw_only=True)
class PlatformAccount:
    """The uid and gid that hub and history server run as."""

    uid: int
    gid: int


def platform_account() -> PlatformAccount:
    """The system account `perijove`; this process's own where there is none (development, single user)."""
    try:
        entry = pwd.getpwnam(PLATFORM_ACCOUNT)
    except KeyError:
        return PlatformAccount(uid=os.geteuid(), gid=os.getegid())
    return PlatformAccount(uid=entry.pw_uid, gid=entry.pw_gid)


def safe_name(user: str) -> str:
    """A name for files and /etc/passwd: `user` itself where it is plain, else letters of it and a hash.

    Two users never share one: a plain name holds no dot, every other has one.
    """
    if _PLAIN.match(user) and user not in _RESERVED:
        return user
    letters = re.sub(r"[^a-z0-9]+", "-", user.lower()).strip("-")[:16] or "user"
    letters = letters if letters[0].isalpha() else f"u{letters}"
    return f"{letters}.{hashlib.sha256(user.encode()).hexdigest()[:12]}"


class Accounts:
    """The accounts of one PERIJOVE_HOME. Needs root, to give homes to their uids. Safe from any process."""

    def __init__(self, layout: Layout, settings: Settings) -> None:
        self._homes = layout.homes
        self._first = settings.sandbox.uid_base
        self._database = Database(layout.sandboxes / ".accounts.sqlite", _SCHEMA)

    def account(self, user: str) -> Account:
        """The account of `user`, made at the first call and the same ever after; see `Launcher.account`."""
        if not 0 < len(user) <= 255 or "\0" in user:
            raise BadRequestError("A user name has 1 to 255 characters.", advice="Choose another name.")
        with self._database.exclusive() as connection:
            found = connection.execute("SELECT uid, name FROM accounts WHERE user = ?", (user,)).fetchone()
            if found is None:
                highest = connection.execute("SELECT max(uid) FROM accounts").fetchone()[0]
                found = (self._next(highest), safe_name(user))
                connection.execute("INSERT INTO accounts VALUES (?, ?, ?)", (user, *found))
        uid, name = found
        account = Account(name=name, uid=uid, gid=uid, home=self._homes / name)
        self._make_home(account)
        return account

    def _next(self, highest: int | None) -> int:
        uid = self._first if highest is None else max(highest + 1, self._first)
        if uid >= self._first + UIDS:
            raise InsufficientResourcesError("Every uid of the platform's range is given out.", retry=False)
        return uid

    def _make_home(self, account: Account) -> None:
        """Whole or not at all: made under another name, given away, then renamed."""
        if account.home.is_dir():
            return
        temporary = self._homes / f".{account.name}.{os.getpid()}.{os.urandom(4).hex()}"
        try:
            temporary.mkdir(mode=0o700)
        except OSError as error:
            raise _no_home(account, error) from error
        try:
            os.chown(temporary, account.uid, account.gid)
            temporary.rename(account.home)
        except OSError as error:
            temporary.rmdir()
            if account.home.is_dir():
                return
            raise _no_home(account, error) from error


def _no_home(account: Account, error: OSError) -> StorageError:
    return StorageError(
        f"The home of {account.name} cannot be made: {error.strerror}.",
        advice=f"Is the disk of {account.home.parent} full or read-only?",
    )
