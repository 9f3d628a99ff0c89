"""Sharing from the lab: public pages of notebooks, and copies of those that others published."""
