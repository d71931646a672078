"""Rows, blobs and messages: the ports the core needs and their Azure adapters."""
