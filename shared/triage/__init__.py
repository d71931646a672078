"""Which alerts are one problem, and which problems are one incident. Pure."""
