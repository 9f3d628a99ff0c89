"""Python environments for the platform, labs and kernels: declared, locked, installed.

The modules here import the standard library and `perijove.core.errors`/`layout` only: `scripts/bootstrap.py`
runs them from the clone, before anything is installed.
"""
