"""Exporters: one module per kind of object. They work inside the kernel, on the objects themselves."""
