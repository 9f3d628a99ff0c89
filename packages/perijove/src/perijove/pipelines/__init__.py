"""Pipelines of notebooks as Galaxy workflows."""
