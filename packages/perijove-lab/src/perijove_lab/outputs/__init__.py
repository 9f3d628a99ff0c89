"""What a cell prints is kept by the lab's server, whether or not a browser is there to see it.

Notebooks are shared documents that live in the server (Jupyter's collaboration). The server listens to each
kernel itself, writes what cells show into the document, and keeps these messages from browsers: there is one
writer, so nothing is lost and nothing is there twice, whoever closes a tab, reloads, or loses the network.

    connection ── sees requests leave and messages arrive (Jupyter Server's extension point)
    recorder ──── one per kernel: which message belongs to which cell
    record ────── what one cell shows, as messages make it; stream: text with its control characters
    documents ─── the shared documents: finds the cell, writes the difference
"""
