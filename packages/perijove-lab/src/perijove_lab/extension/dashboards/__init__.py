"""Dashboards of the lab: programs that are started when asked for, models drawn, what the lab uses."""
