"""Where a message leads."""

from __future__ import annotations

import msgspec


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link that people may follow, and what it is for.

    ``verb`` is what following it lets a person do, such as ``acknowledge``; empty where
    it only shows something. ``href`` may be a secret: it is sent, never kept or logged.
    """

    text: str
    href: str
    verb: str = ""
