"""Doors for *Run remotely…*: what a notebook needs, and sending it away."""
