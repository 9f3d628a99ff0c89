"""Ratios against the bare operation or a peer, each measured in one run: `make bench`."""
