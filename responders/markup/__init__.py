"""Incidents in the syntax of one side each, where it takes more than a few lines. Pure."""
