"""Attacker-controlled text made fit for people and for other systems to read.

Each sink still escapes for its own syntax; what is here is what every sink needs
(remote-apis-sinks.md 20).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from datetime import datetime

CUT_MARK = "…"

# What people may call things of the policy: it enters row keys, blob names, URLs and
# log fields.
NAME_PATTERN = "[A-Za-z][A-Za-z0-9-]{0,39}"
LONG = 100

_CONTROLS = bytes([*range(0x20), 0x7F])

# Characters that show nothing but change how the rest reads: C0 and C1 controls except
# \n, all of category Cf (zero-width, bidi, soft hyphen, tags), fillers, variation
# selectors, lone surrogates. Spelt out, since counting Unicode at import takes 0.1 s.
_UNSEEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f"
    "\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_NEWLINE = re.compile("\r\n?")
_SEPARATOR = re.compile("[\t\x0b\x0c\x85\u2028\u2029]")
_WEB_SCHEME = re.compile(r"http(?=s?:)", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"(?<!hxxp)(?<!hxxps)://")
_WEB_HOST = re.compile(r"(www)\.", re.IGNORECASE)
_LINK = re.compile(r"https://[!-~]{1,2040}")


def is_plain(text: str) -> bool:
    """Whether the text is ASCII without controls, so that there is nothing to clean."""
    if not text.isascii():
        return False
    # To take the controls out of a long text is three times as fast as to look at it.
    if len(text) > LONG:
        return len(text.encode().translate(None, _CONTROLS)) == len(text)
    return text.isprintable()


def clean(text: str) -> str:
    r"""The text in NFC without controls except \n, invisible or reordering characters.

    Tabs and Unicode's own line ends become spaces, so that words stay apart.
    """
    if is_plain(text):
        return text
    text = _SEPARATOR.sub(" ", _NEWLINE.sub("\n", text))
    return unicodedata.normalize("NFC", _UNSEEN.sub("", text))


def one_line(text: str) -> str:
    """The text cleaned, with every run of white space as one space and none around."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return " ".join(clean(text).split())


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters of the text; where some are missing, it shows."""
    if len(text) <= limit:
        return text
    return text[: limit - 1] + CUT_MARK if limit > 0 else ""


def defang(text: str) -> str:
    """The text with no URL that a reader's program would turn into a link.

    For text that was cleaned: a zero-width character could hide a URL from this.
    """
    # To look for one character takes a hundredth of what the patterns take.
    if ":" in text:
        text = _OTHER_SCHEME.sub("[:]//", _WEB_SCHEME.sub("hxxp", text))
    return _WEB_HOST.sub(r"\1[.]", text) if "." in text else text


def plain(text: str, limit: int) -> str:
    """One harmless line of attacker-controlled text, at most ``limit`` characters."""
    return cut(defang(one_line(text)), limit)


def is_name(text: str) -> bool:
    """Whether it may name a sender, a responder, a route or a silence."""
    return re.fullmatch(NAME_PATTERN, text) is not None


def is_link(text: str) -> bool:
    """Whether the text is a URL that people may be offered to follow.

    That is https, plain ASCII, and no user name in front of the host to mislead.
    """
    if not _LINK.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.hostname) and "@" not in parts.netloc and "\\" not in text


def instant(at: datetime) -> str:
    """The moment in ISO 8601, UTC, to the millisecond, with Z."""
    utc = at.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='milliseconds')}Z"


def minute(at: datetime) -> str:
    """The moment as people read it: UTC, to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
