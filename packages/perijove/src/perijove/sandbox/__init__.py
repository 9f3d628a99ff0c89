"""Confine a process: one description, applied by bubblewrap, control groups and network namespaces."""
