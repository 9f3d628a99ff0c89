"""Looking into files with the libraries of their formats: in a process of its own, confined and limited.

A file may be damaged or made to attack its reader; whatever happens in there, the server goes on.
"""
