"""An identity for tests: a table of keys instead of a hub."""

from __future__ import annotations

from collections.abc import Mapping

from perijove.core.errors import NotAuthenticatedError
from perijove.histories.identity import Caller


class TokenIdentity:
    """Knows the keys it was given. Taking one out of the table revokes it."""

    def __init__(self, callers: Mapping[str, Caller]) -> None:
        self.callers = dict(callers)

    def authenticate(self, token: str) -> Caller:
        """Whose key it is. NotAuthenticatedError for one that is not in the table."""
        try:
            return self.callers[token]
        except KeyError:
            raise NotAuthenticatedError("This API key is not valid.", advice="Make a new one.") from None
