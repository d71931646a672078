"""One responder of the table, and what its other side is like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Mapping

    from devhost.outside import Outside
    from tests.fakes.http import Sent


@dataclass(frozen=True, kw_only=True)
class Case:
    """One responder of the table, and what its other side is like.

    ``settings`` are as in a policy, given where the other side is; ``{url}`` in one of
    the ``secrets``, by the settings that hold them, is that too. ``seeded`` are the
    texts that must never show: secrets, and parts of URLs that may be. ``identity`` is
    what the other side tells repeats by. ``effects`` counts what it did. ``answer`` is
    the body that it sends with an accepted status, ``answers`` gives another to some
    requests.

    ``tells_repeats`` says whether the other side can tell a repeat of a notice by what
    it is sent; where it cannot, a lost answer costs one more copy, and what is sent
    holds the action's key for its readers.

    ``tells`` says which requests tell something; others only ask, to find out what there
    is to do.

    One that ``is_http`` answers by a status; of others it is known only whether they
    took what was sent.

    ``opened`` is the body as the other side reads it, without its compression.
    ``side`` is the one of the stand-ins that is asked, where it has another name; it
    ``takes`` what it accepts, where what is asked next goes by that. One that
    ``is_mute`` tells no texts.

    ``content`` is what people see of a request, as JSON. ``link_paths`` are where in it
    the links of a message stand, ``own_urls`` where else URLs of our own do. What else
    a request must be, for the sake of the sink's own syntax, ``problems`` says.
    """

    settings: Callable[[str], dict[str, Any]]
    secrets: Mapping[str, str]
    seeded: tuple[str, ...]
    accepted: Collection[int]
    body_cap: int
    identity: Callable[[Sent], object]
    effects: Callable[[Outside], int]
    answer: bytes = b""
    answers: Callable[[Sent], bytes | None] = lambda _: None
    tells_repeats: bool = True
    tells: Callable[[Sent], bool] = lambda _: True
    is_http: bool = True
    content: Callable[[Sent], object] = lambda sent: sent.json if sent.body else None
    opened: Callable[[Sent], bytes] = lambda sent: sent.body
    link_paths: Container[str] = ()
    own_urls: Container[str] = ()
    problems: Callable[[Sent], list[str]] = lambda _: []
    side: str = ""
    takes: bool = False
    is_mute: bool = False
