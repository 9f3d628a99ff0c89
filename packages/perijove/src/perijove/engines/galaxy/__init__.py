"""Jobs in a real Galaxy, in the account that their user has linked."""

from perijove.engines.galaxy.engine import GalaxyEngine
from perijove.engines.galaxy.links import HOW_TO_LINK, GalaxyLink, GalaxyLinks

__all__ = ["HOW_TO_LINK", "GalaxyEngine", "GalaxyLink", "GalaxyLinks"]
