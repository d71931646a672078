"""What queries can be asked about, and the values that it gives them.

Only what is a name goes in. What was cut, is too long, holds half a character or names
everything and nothing (`localhost`, `SYSTEM`, a link-local address) is no value, so no
query is asked with it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from shared.enrichment.query import Kind
from shared.model.text import CUT_MARK, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.enrichment.kql import Value

LONGEST_VALUE = 1_000
LONGEST_LABEL = 120

_TEXT, _TEXTS = Kind.STRING, Kind.STRINGS
_RESOURCE = {"TheResource": _TEXT, "TheResourceName": _TEXT, "TheSubscription": _TEXT}

# Each kind of subject, and the values it may give to parameters of these names. Every
# one of them also gives TheFirstAlert, the hour of its first alert.
SUBJECTS: Mapping[str, Mapping[str, Kind]] = {
    "account": {
        "TheAccount": _TEXT,
        "TheAccountId": _TEXT,
        "TheAccountName": _TEXT,
        "TheAccountSid": _TEXT,
        "TheMailbox": _TEXT,
    },
    "address": {"TheAddress": _TEXT},
    "application": {"TheApplication": _TEXT},
    "container-image": {"TheRepository": _TEXT, "TheTag": _TEXT, "TheDigest": _TEXT},
    "container-registry": _RESOURCE,
    "cosmos-account": _RESOURCE,
    "domain": {"TheDomain": _TEXT},
    "file": {"TheHash": _TEXT},
    "host": {"TheHost": _TEXT, "TheMachine": _TEXT, "TheDevice": _TEXT},
    "incident": {
        "TheAlerts": _TEXTS,
        "TheAlertTypes": _TEXTS,
        "TheAccounts": _TEXTS,
        "TheAccountIds": _TEXTS,
        "TheAddresses": _TEXTS,
        "TheDomains": _TEXTS,
        "TheHashes": _TEXTS,
        "TheHosts": _TEXTS,
        "TheNames": _TEXTS,
        "TheResources": _TEXTS,
        "TheUrls": _TEXTS,
    },
    "kubernetes-cluster": _RESOURCE,
    "kubernetes-pod": {"ThePod": _TEXT, "TheNamespace": _TEXT, "TheResource": _TEXT},
    "mailbox": {"TheMailbox": _TEXT},
    "resource": _RESOURCE,
    "sql-server": _RESOURCE,
    "storage-account": _RESOURCE,
    "url": {"TheUrl": _TEXT},
    "vault": _RESOURCE,
    "web-app": _RESOURCE,
}
FIRST_ALERT = "TheFirstAlert"

# What tells an answer apart and says nothing of what is asked about.
CONTEXT = frozenset({FIRST_ALERT, "TheAlerts"})

_SURROGATE = re.compile("[\ud800-\udfff]")


class Subject(NamedTuple):
    """One thing to ask about: its kind, its name for people, and its values."""

    kind: str
    label: str
    values: Mapping[str, Value]

    def holds(self, other: Subject) -> bool:
        """Whether it says of itself all that the other does."""
        return self.kind == other.kind and other.values.items() <= self.values.items()


def subject(kind: str, label: str, **values: str) -> Iterator[Subject]:
    """The subject of that kind, if any of its values is a name.

    ``label`` is what people call it, of at most ``LONGEST_LABEL`` characters here.
    """
    known = {name: known for name, text in values.items() if (known := whole(text))}
    if known:
        noun = kind.replace("-", " ")
        yield Subject(kind, f"{noun} {plain(label, LONGEST_LABEL)}", known)


def whole(text: str) -> str:
    """The text if it is the whole of a name, else nothing."""
    text = text.strip()
    is_whole = len(text) <= LONGEST_VALUE and not text.endswith(CUT_MARK)
    return text if is_whole and not _SURROGATE.search(text) else ""
