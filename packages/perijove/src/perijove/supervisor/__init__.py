"""Keeps the platform's own processes running: launcher, proxy, hub and history server.

They end with the supervisor, however it ends. Labs and jobs do not: they belong to their keepers
(`perijove.sandbox`), and the next start finds them again.
"""
