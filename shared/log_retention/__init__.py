"""How long the tables of Log Analytics workspaces keep their rows, and how it is changed.

The app looks and changes nothing; `firewatch retention` does, and asks first.
"""
