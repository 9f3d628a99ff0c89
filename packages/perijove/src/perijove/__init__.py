"""Perijove, the platform: hub, history server, engines and the sandbox that labs and jobs run in."""


def __getattr__(name: str) -> str:
    """`__version__`, looked up when asked for: the import costs 60 ms, and there is a keeper per lab."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("perijove")
    except PackageNotFoundError:  # a source tree that is not installed
        return "0.0.0"
