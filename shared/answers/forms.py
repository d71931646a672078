"""What shows that a form was sent from our own page, by whoever looked at it.

A link is followed by scanners and by other pages; a form that they send is none of ours
(remote-apis-sinks.md 19). Its nonce is bound to the link, and to whoever was signed in
when the page was made: a link that leaked cannot have another person's browser act.
"""

from __future__ import annotations

import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.answers.keys import Keys

PURPOSE = "form"
NONCE, HOURS = "nonce", "hours"

FORM = "application/x-www-form-urlencoded"
LONGEST = 4 * 1024
MOST_FIELDS = 8


def nonce(keys: Keys, text: str, person: str = "") -> str:
    """What a page of this token puts into its form; ``person`` is who is signed in."""
    return keys.current(PURPOSE).mac(_message(text, person))


def read(body: bytes) -> dict[str, str]:
    """The fields of a form; of one that is given twice the last, of no form none."""
    try:
        text = body[:LONGEST].decode("ascii")
        fields = parse_qs(text, max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in fields.items()}


def refusal(
    headers: Mapping[str, str],
    body: bytes,
    *,
    keys: Keys,
    text: str,
    person: str,
    origin: str,
) -> HTTPStatus | None:
    """Why this is not the form of our page for this token; None where it is.

    Header names are in lower case; ``origin`` is ours.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    if len(body) > LONGEST:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    given = read(body).get(NONCE, "")
    fits = [
        key.kid
        for key in keys.active(PURPOSE)
        if given.isascii()
        and hmac.compare_digest(key.mac(_message(text, person)), given)
    ]
    return None if fits and _is_ours(headers, origin) else HTTPStatus.FORBIDDEN


def _is_ours(headers: Mapping[str, str], origin: str) -> bool:
    """Whether a browser says that the page which sent it is of our own origin.

    Browsers send ``Origin: null`` from a page that gives no referrer, as ours; the other
    header they send all the same, and no page can set it (Fetch Metadata).
    """
    site = headers.get("sec-fetch-site", "")
    return site == "same-origin" if site else headers.get("origin") == origin


def _message(text: str, person: str) -> str:
    return f"fw1.{PURPOSE}.{len(person)}.{person}.{text}"
