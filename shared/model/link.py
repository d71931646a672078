"""Where a message leads."""

from __future__ import annotations

import re

import msgspec

_BUTTON = re.compile(r"([a-z]{1,20}) ([A-Za-z0-9-]{1,100})")


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link that people may follow, and what it is for.

    ``verb`` is what following it lets a person do, such as ``acknowledge``; empty where
    it only shows something. ``href`` may be a secret: it is sent, never kept or logged.
    """

    text: str
    href: str
    verb: str = ""


def button(verb: str, dedup_key: str) -> str:
    """What a button of a message carries, where its side tells us that it was pressed.

    No secret: the side signs what it tells us.
    """
    return f"{verb} {dedup_key}"


def pressed(value: str) -> tuple[str, str] | None:
    """The verb and the key of the notice that a button carries; None if it is not ours."""
    found = _BUTTON.fullmatch(value)
    return (found[1], found[2]) if found else None
