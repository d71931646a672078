"""What goes wrong between the tree and a running app."""


class ReleaseError(Exception):
    """A step of a release did not come to its end; the message says why."""
