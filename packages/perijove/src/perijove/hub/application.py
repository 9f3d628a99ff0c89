"""JupyterHub, which takes back at its start what the settings let nobody give any more."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyterhub.app import JupyterHub  # type: ignore[import-untyped]
from traitlets import Unicode

from perijove.hub import rooms

_SECONDS_TO_SETTLE = 120


class PerijoveHub(JupyterHub):  # type: ignore[misc]
    """Before it answers anybody, shares and invitations that `sharing` does not allow are gone."""

    sharing = Unicode("nobody", help="whom users may invite into rooms: hub.sharing").tag(config=True)

    async def init_role_assignment(self) -> None:
        """With the database and the groups there, and nobody served yet."""
        await super().init_role_assignment()
        self._shut_out = rooms.take_back_what_is_off(self.db, self.sharing)
        for owner, server, guest in self._shut_out:
            self.log.warning("hub.sharing is %s: %s/%s is closed to %s", self.sharing, owner, server, guest)

    async def start(self) -> None:
        """As JupyterHub's; then those who were shut out while in a running room are shown out of it."""
        await super().start()
        for owner, server, guest in self._shut_out:
            try:
                await self._show_out(self.users[owner], server, guest)
            except Exception:  # one room that does not end keeps nobody else waiting
                self.log.exception("%s may still be in %s/%s", guest, owner, server)

    async def _show_out(self, user: Any, server: str, guest: str) -> None:
        spawner = user.spawners[server]
        for _ in range(_SECONDS_TO_SETTLE):
            if not spawner.pending:
                break
            await asyncio.sleep(1)
        if not await rooms.expel(user, spawner.orm_spawner, guest):
            self.log.warning("%s/%s does not part with %s; it is stopped", user.name, server, guest)
            await self.proxy.delete_user(user, server)
            await user.stop(server)
