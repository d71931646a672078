"""Answers that people give from a message: links with authority, and callbacks."""
