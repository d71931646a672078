"""What the function app is made of: see docs/architecture.md for the rooms."""
