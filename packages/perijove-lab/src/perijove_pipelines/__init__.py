"""Pipelines of notebooks as Galaxy workflows: what the lab sends, and what the history server understands.

Both distributions carry this package. It imports nothing of either, and nothing but the standard library
and PyYAML.
"""
