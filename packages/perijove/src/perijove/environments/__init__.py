"""Python environments for the platform, labs and kernels: declared, locked, installed."""
