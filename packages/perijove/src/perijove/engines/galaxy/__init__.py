"""Jobs in a real Galaxy, in the account that their user has linked."""

from perijove.engines.galaxy.engine import GalaxyEngine
from perijove.engines.galaxy.links import GalaxyLink, GalaxyLinks

__all__ = ["GalaxyEngine", "GalaxyLink", "GalaxyLinks"]
