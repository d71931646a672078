"""What alerts name that is the same wherever it is seen, as indicators name it.

(remote-apis-azure.md 14c)
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from responders.sides.addresses import PLATFORM
from shared.model.entity import Dns, FileHash, Ip, Url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.model.alert import AlertRow

LONGEST = 500

# The best that there is of a file: an alert names one file by several.
_FILES = {"sha256": "FileSha256", "sha1": "FileSha1", "md5": "FileMd5"}
_DIGESTS = {
    "FileSha256": re.compile(r"[0-9a-f]{64}"),
    "FileSha1": re.compile(r"[0-9a-f]{40}"),
    "FileMd5": re.compile(r"[0-9a-f]{32}"),
}


class ThingKind(StrEnum):
    """What there are indicators of."""

    ADDRESS = "address"
    FILE = "file"
    DOMAIN = "domain"
    URL = "url"


class Thing(NamedTuple):
    """A thing; ``type`` is what Defender for Endpoint calls its kind."""

    kind: ThingKind
    type: str
    value: str

    @property
    def problem(self) -> str:
        """Why there can be no indicator of it; empty where there can."""
        digits = _DIGESTS.get(self.type)
        is_bad = digits is not None and not digits.fullmatch(self.value)
        return "that is no digest of a file" if is_bad else ""


def things(alert: AlertRow) -> Iterator[Thing]:
    """What an alert names, what it calls attacked excepted.

    Public addresses, the best digest of a file, public domains, and whole URLs of the web.
    """
    entities = [e for e in alert.entities if e.is_strong and not e.is_asset]
    files = [e for e in entities if isinstance(e, FileHash)]
    best = next((a for a in _FILES if any(f.algorithm == a for f in files)), "")
    for entity in entities:
        match entity:
            case Ip() if entity.address not in PLATFORM:
                yield Thing(ThingKind.ADDRESS, "IpAddress", entity.address)
            case Dns() if len(entity.domain) <= LONGEST:
                yield Thing(ThingKind.DOMAIN, "DomainName", entity.domain)
            case Url() if _is_plain(entity.url):
                yield Thing(ThingKind.URL, "Url", entity.url)
            case FileHash() if entity.algorithm == best:
                yield Thing(ThingKind.FILE, _FILES[best], entity.digest.lower())
            case _:
                pass


def _is_plain(url: str) -> bool:
    is_web = url.startswith(("http://", "https://"))
    return is_web and len(url) <= LONGEST and url.isascii() and url.isprintable()
