"""Who sends a request: whom the platform signed in, or whoever has the key."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

import msgspec

from shared.model.errors import SenderRefused
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

PRINCIPAL_HEADER = "x-ms-client-principal"
CLAIMED_HEADER = "x-firewatch-by"

# Whoever has a function key; which of them it was, the host does not tell.
KEY = "key"

# What Easy Auth calls Entra.
_ENTRA = "aad"
_OBJECT_ID = {"http://schemas.microsoft.com/identity/claims/objectidentifier", "oid"}
_GROUPS = "groups"
# The first of these that is there is shown; people can change what they are called.
_NAMES = (
    "preferred_username",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "name",
)

_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_LONGEST_NAME = 80
# A principal with hundreds of groups; headers together are held to less by the platform.
_LONGEST_PRINCIPAL = 64 * 1024
# So that a name cannot close the brackets that it stands in.
_BRACKETS = str.maketrans("()", "[]")


class _Claim(msgspec.Struct):
    typ: str
    val: str


class _Principal(msgspec.Struct):
    auth_typ: str
    claims: list[_Claim]


def sender(headers: Mapping[str, str], *, easy_auth: bool) -> str:
    """Who says it, as the timeline shows it. Raises SenderRefused.

    The principal counts only where the platform puts it there itself and takes off what
    a sender put there (review F13): ``easy_auth``. Otherwise anybody could write it.
    """
    if easy_auth:
        return _signed_in(headers.get(PRINCIPAL_HEADER, ""))
    claimed = _shown(headers.get(CLAIMED_HEADER, ""))
    return f"{KEY} (says {claimed})" if claimed else KEY


def ids(headers: Mapping[str, str], *, easy_auth: bool) -> frozenset[str]:
    """The object ids of who is signed in, and of the groups that the token names.

    None where nobody is: whoever has a key is nobody in particular.
    """
    principal = _principal(headers.get(PRINCIPAL_HEADER, "")) if easy_auth else None
    if principal is None or principal.auth_typ.lower() != _ENTRA:
        return frozenset()
    return frozenset(
        claim.val.lower()
        for claim in principal.claims
        if claim.typ in {*_OBJECT_ID, _GROUPS} and _GUID.fullmatch(claim.val.lower())
    )


def _signed_in(header: str) -> str:
    principal = _principal(header)
    if principal is None or principal.auth_typ.lower() != _ENTRA:
        raise SenderRefused("api: no principal of Entra")
    ids = {claim.val.lower() for claim in principal.claims if claim.typ in _OBJECT_ID}
    if len(ids) != 1 or not _GUID.fullmatch(object_id := ids.pop()):
        raise SenderRefused("api: no principal of Entra")
    claims = {claim.typ: claim.val for claim in reversed(principal.claims)}
    name = next((n for kind in _NAMES if (n := _shown(claims.get(kind, "")))), "")
    return f"entra:{object_id} ({name})" if name else f"entra:{object_id}"


def _principal(header: str) -> _Principal | None:
    if not header or len(header) > _LONGEST_PRINCIPAL:
        return None
    try:
        # Some front doors take the padding off.
        raw = base64.b64decode(header + "=" * (-len(header) % 4), validate=True)
        return msgspec.json.decode(raw, type=_Principal)
    except (binascii.Error, ValueError, RecursionError):
        return None


def _shown(name: str) -> str:
    return plain(name, _LONGEST_NAME).translate(_BRACKETS)
