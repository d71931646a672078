"""One form for each identifier, so that equal things are equal texts.

Nothing is guessed: what is not clearly an identifier of its kind is None, and the
caller says so or keeps it as a name.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from shared.model import resource
from shared.model.text import CUT_MARK, clean, cut, is_plain, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_NAME = 1_000
LONGEST_COMMAND = 4_000
LONGEST_KEY = 100
# Longer than any that Azure accepts, with room to spare.
LONGEST_ARM_ID = 2_000
# RFC 1035: 255 bytes on the wire are 253 characters.
LONGEST_DOMAIN = 253
LONGEST_PID = 2**32 - 1
MOST_ADDRESSES = 100
LONGEST_ADDRESS = 80

_SID = re.compile(r"S-1-[0-9]{1,15}(?:-[0-9]{1,10}){1,15}")
_GUID = re.compile(r"\{?([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})\}?")
_NO_GUID = "00000000-0000-0000-0000-000000000000"
# Defender for Endpoint writes 40 digits; 32 were seen in XDR streaming.
_DEVICE_ID = re.compile(r"[0-9a-f]{32}(?:[0-9a-f]{8})?")
_UPN = re.compile(r"[^\s@\\/\"<>]{1,256}@\w[\w-]*(?:\.[\w-]+)*")
_DOMAIN_LABEL = re.compile(r"[^\s./\\:@?#\[\]<>\"'&=,;|()%*]{1,63}")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", re.DOTALL)
_V4_PORT = re.compile(r"([0-9.]{7,15}):[0-9]{1,5}")
_V6_PORT = re.compile(r"\[([^\[\]]{2,60})\](?::[0-9]{1,5})?")
_HEX_PID = re.compile(r"0[xX]([0-9A-Fa-f]{1,8})")
_DECIMAL_PID = re.compile(r"[0-9]{1,10}")
_BETWEEN_ADDRESSES = re.compile(r"[\s,;|()\"']+")
_DIGEST = re.compile(r"[0-9a-f]+")
_DIGEST_LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64}


def tidy(value: object, limit: int = LONGEST_NAME) -> str:
    """A text or a number as one clean line of at most ``limit`` characters, else ""."""
    return line(value if isinstance(value, str) else _scalar(value), limit)


def line(text: str, limit: int = LONGEST_NAME) -> str:
    """The text as one clean line of at most ``limit`` characters."""
    text = text.strip()
    if text.isascii() and text.isprintable() and "  " not in text:
        return text if len(text) <= limit else cut(text, limit)
    return _cleaned(text, limit, one_line)


def letters(text: str) -> str:
    """The letters and digits in lower case: how names of fields and kinds compare."""
    # Cut first: what is remembered must not be as long as somebody likes.
    return _letters(text[:LONGEST_KEY])


@lru_cache(maxsize=4096)
def _letters(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())


def command(value: object) -> str:
    """A command line, clean and bounded; its spaces are part of it."""
    text = (value if isinstance(value, str) else _scalar(value)).strip()
    if is_plain(text):
        return text if len(text) <= LONGEST_COMMAND else cut(text, LONGEST_COMMAND)
    return _cleaned(text, LONGEST_COMMAND, clean).strip()


@lru_cache(maxsize=4096)
def address(text: str) -> tuple[str, bool] | None:
    """An address without its port, and whether it is public; None where it is none.

    The zone of ``fe80::1%eth0`` is dropped: ipaddress takes any text for one.
    """
    found = _V4_PORT.fullmatch(text) or _V6_PORT.fullmatch(text)
    bare = (found[1] if found else text).partition("%")[0]
    try:
        ip = ipaddress.ip_address(bare)
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return str(ip), ip.is_global and not ip.is_multicast


def only_address(text: str) -> tuple[str, bool] | None:
    """The address that the text is; None where it is none or may be several."""
    # The zone of an address may be any text.
    if len(text) > LONGEST_ADDRESS or "%" in text:
        return None
    return address(text)


def address_tokens(text: str) -> list[str]:
    """What may be addresses in a list of them, however it is written."""
    tokens = _BETWEEN_ADDRESSES.split(text[:LONGEST_COMMAND])
    return [token[:LONGEST_ADDRESS] for token in tokens if token][:MOST_ADDRESSES]


def country(text: str) -> str:
    """A code of two letters in upper case; empty where it is none."""
    code = text.upper()
    is_code = len(code) == 2 and code.isascii() and code.isalpha()
    return code if is_code else ""


def upn(text: str) -> str | None:
    """A user principal name in lower case: exactly one @ and nothing around it."""
    lowered = text.strip().lower()
    return lowered if len(lowered) <= 320 and _UPN.fullmatch(lowered) else None


def sid(text: str) -> str | None:
    """A Windows or Entra security identifier in upper case."""
    # An account's is in each of its alerts.
    read = _sid if len(text) <= LONGEST_KEY else _sid.__wrapped__
    return read(text)


@lru_cache(maxsize=4096)
def _sid(text: str) -> str | None:
    upper = text.strip().upper()
    return upper if _SID.fullmatch(upper) else None


def guid(text: str) -> str | None:
    """A GUID in lower case with hyphens; "" for the one of zeros, which names nothing."""
    found = _GUID.fullmatch(text.strip().lower())
    if found is None:
        return None
    return "" if found[1] == _NO_GUID else found[1]


def device_id(text: str) -> str | None:
    """Defender's own id of a machine; "" for the one of zeros."""
    lowered = text.strip().lower()
    if not _DEVICE_ID.fullmatch(lowered):
        return None
    return "" if set(lowered) == {"0"} else lowered


def is_algorithm(name: str) -> bool:
    """Whether digests by it are compared; those of Authenticode are not."""
    return _algorithm(name) in _DIGEST_LENGTHS


def digest(algorithm: str, text: str) -> tuple[str, str] | None:
    """The algorithm as md5, sha1 or sha256, and the digest, where they fit together."""
    name = _algorithm(algorithm)
    lowered = text.strip().lower()
    fits = len(lowered) == _DIGEST_LENGTHS.get(name) and _DIGEST.fullmatch(lowered)
    return (name, lowered) if fits else None


def url(text: str) -> str:
    """The text with scheme and host in lower case, if it has them; user names stay."""
    found = _URL.fullmatch(text)
    if found is None:
        return text
    scheme, authority, rest = found.groups()
    user, at, host = authority.rpartition("@")
    return f"{scheme.lower()}://{user}{at}{host.lower()}{rest}"


def domain(text: str) -> str | None:
    """A domain name in lower case without the final dot; punycode stays punycode."""
    lowered = text.strip().lower().removesuffix(".")
    labels = lowered.split(".")
    is_name = len(lowered) <= LONGEST_DOMAIN and not labels[-1].isdigit()
    if is_name and all(_DOMAIN_LABEL.fullmatch(label) for label in labels):
        return lowered
    return None


def process_id(value: object) -> int | None:
    """A process id: a number, or a text in decimal or 0x hexadecimal."""
    text = _scalar(value).strip()
    if found := _HEX_PID.fullmatch(text):
        return int(found[1], 16)
    if not _DECIMAL_PID.fullmatch(text):
        return None
    return int(text) if int(text) <= LONGEST_PID else None


def arm_id(text: str) -> str | None:
    """A canonical ARM id of clean text that was not cut, or None."""
    # A machine's id is in each of its alerts; none is long.
    read = _arm_id if len(text) <= resource.LONGEST else _arm_id.__wrapped__
    return read(text)


@lru_cache(maxsize=4096)
def _arm_id(text: str) -> str | None:
    tidied = tidy(text, LONGEST_ARM_ID)
    return None if tidied.endswith(CUT_MARK) else resource.canonical(tidied)


def _algorithm(name: str) -> str:
    return name.strip().lower().replace("-", "").replace("_", "")


def _cleaned(text: str, limit: int, form: Callable[[str], str]) -> str:
    # Only what may be kept is looked at: to normalise a run of combining characters
    # takes time by the square of its length.
    cleaned = form(text[:limit])
    return cut(cleaned + CUT_MARK * (bool(cleaned) and len(text) > limit), limit)


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ""
    # Python refuses to print integers of more than 4,300 digits; NaN is in no range.
    if not -(2**63) <= value < 2**64:
        return ""
    return str(int(value) if value == int(value) else value)
