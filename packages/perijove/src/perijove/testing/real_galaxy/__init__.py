"""A real Galaxy for tests and for trying the tools of `galaxy/`: installed, configured, started and ended.

It lies in this package, beside the other live servers for tests, because several suites and
`scripts/galaxy.py` start it; only tests import it.
"""
