"""What the keys of extended properties are about.

They are free text (`Client IP address`, `client IP address`, `Attacker source IP`), so
they are compared without case, spaces and punctuation.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from shared.sources.entities.identifiers import letters

if TYPE_CHECKING:
    from collections.abc import Mapping

# Whose address it is. `source` and `attackers` hold more than addresses:
# "FreeRDP (96.81.218.10)".
_ADDRESS = re.compile(
    r"(attacker|attackersource|caller|client|external|login|malicious|remote|requester"
    r"|source|src|suspicious|user)?ip(s|address|addresses)?"
)
_OWN_ADDRESS = re.compile(
    r"(compromisedhost|dest|destination|host|local|machine|private|server|target|victim"
    r"|vm)ip(s|address|addresses)?"
)
ADDRESSES = "addresses"
_MAY_HOLD_ADDRESS = frozenset({"attackers", "source"})

# The letters of the keys by what they are about, those that count first first.
_KEYS = {
    "user": ("username", "user", "useraccount", "account", "accountname"),
    "other users": (
        "attackerusername",
        "callername",
        "clientprincipalname",
        "compromisedaccount",
        "compromiseduser",
        "createdaccount",
        "loginname",
        "principalname",
    ),
    "upn": ("userprincipalname", "upn", "accountupn"),
    "sid": ("usersid", "accountsid", "sid"),
    "object id": (
        "userobjectid",
        "aaduserid",
        "principalobjectid",
        "callerobjectid",
    ),
    "compromised host": ("compromisedhost", "compromisedmachine"),
    "hosts": (
        "machinename",
        "hostname",
        "host",
        "computername",
        "virtualmachinename",
        "attackersourcecomputername",
        "attackerhostname",
        "clienthostname",
    ),
    "domain": ("domainname", "domain", "suspiciousdomain", "suspiciousdomainname"),
    "url": ("url", "suspiciousurl", "maliciousurl"),
    "md5": ("md5",),
    "sha1": ("sha1",),
    "sha256": ("sha256",),
    "sha256 of a file": ("filesha256",),
    "pod": ("podname", "pod"),
    "namespace": ("namespace", "podnamespace"),
    "container": ("containername",),
    "image": ("containerimage", "imagename", "image"),
    "resource type": ("resourcetype",),
    "pid": ("suspiciousprocessid", "processid", "pid"),
    "image file": ("suspiciousprocess", "processpath", "processname"),
    "command": ("suspiciouscommandline", "commandline"),
}
_TOPICS = {
    word: (topic, rank)
    for topic, words in _KEYS.items()
    for rank, word in enumerate(words)
}

# What is remembered of one alert type's keys: they have some twenty, all of them short.
MOST_REMEMBERED = 4_000


class Key(NamedTuple):
    """A key as it is written, and its rank among those of its topic.

    ``is_free`` is said where other things than addresses may stand among addresses,
    ``is_own`` where they are the attacked machine's.
    """

    rank: int
    name: str
    is_free: bool = False
    is_own: bool = False


class Index(NamedTuple):
    """The keys of an alert by topic, the topics, and each key with its topic."""

    keys: Mapping[str, tuple[Key, ...]]
    topics: frozenset[str]
    pairs: tuple[tuple[str, str], ...]


NO_KEYS = Index({}, frozenset(), ())


def by_topic(names: tuple[str, ...]) -> Index:
    """The keys that anybody asks for, by topic and in the order in which they count.

    The first of two spellings wins. Keys of addresses keep the order they came in.
    """
    # Alerts of one type have the same keys.
    is_small = len("".join(names)) <= MOST_REMEMBERED
    return (_by_topic if is_small else _by_topic.__wrapped__)(names)


@lru_cache(maxsize=1024)
def _by_topic(names: tuple[str, ...]) -> Index:
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(letters(name), name)
    found: dict[str, list[Key]] = {}
    for place, (word, name) in enumerate(first.items()):
        is_free, is_own = word in _MAY_HOLD_ADDRESS, bool(_OWN_ADDRESS.fullmatch(word))
        if is_free or is_own or _ADDRESS.fullmatch(word):
            found.setdefault(ADDRESSES, []).append(Key(place, name, is_free, is_own))
        elif (known := _TOPICS.get(word)) is not None:
            topic, rank = known
            found.setdefault(topic, []).append(Key(rank, name))
    keys_of = {topic: tuple(sorted(keys)) for topic, keys in found.items()}
    pairs = [(topic, key.name) for topic in keys_of for key in keys_of[topic]]
    return Index(keys_of, frozenset(keys_of), tuple(pairs))
