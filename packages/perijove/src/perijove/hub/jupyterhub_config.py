"""What `jupyterhub -f` reads: all configuration comes from Perijove's settings."""

from perijove.core.settings import load_settings
from perijove.hub.config import configure

configure(get_config(), load_settings())  # type: ignore[name-defined]  # noqa: F821
