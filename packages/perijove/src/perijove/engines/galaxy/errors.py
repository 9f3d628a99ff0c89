"""What a Galaxy answers when it does not do what it was asked."""

from __future__ import annotations

from perijove.core.errors import EngineError


class GalaxyAwayError(EngineError):
    """It does not answer, or only that it cannot now: ask again later."""

    retry = True


class GalaxyKeyError(EngineError):
    """It does not know the key any more."""


class GalaxyRefusedError(EngineError):
    """It understood, and does not do it. The message holds its own words."""
