"""The `firewatch` command, for people; not deployed."""
