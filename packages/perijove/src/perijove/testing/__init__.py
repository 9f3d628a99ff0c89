"""Doubles and live-server fixtures that ship with the package."""
