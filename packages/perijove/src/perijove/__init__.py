"""Perijove, the platform: hub, history server, engines and the sandbox that labs and jobs run in."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("perijove")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "0.0.0"
