"""Which alert is meant: the one id of an alert, and the alerts an incident is made of.

Sentinel and Log Analytics give every alert an id of their own and keep the product's
beside it, under another name (wire-formats.md 4).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.sources import terms
from shared.sources.fields import Fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Ticks that remain until the year 10000, then a GUID (wire-formats.md 1.2).
_DEFENDER_ID = re.compile(r"[0-9]{19}_[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")

_ALERT_ENTITIES = frozenset({"security-alert", "securityalert"})


def alert_id(fields: Fields) -> str:
    """The id that the alert has on every road, in lower case; empty where it has none.

    Defender for Cloud's own id, whatever it is called here; else SystemAlertId.
    """
    own = fields.text("SystemAlertId").lower()
    original = fields.text("VendorOriginalId", "ProviderAlertId").lower()
    if not original or _DEFENDER_ID.fullmatch(own):
        return own
    names = fields.text("ProductName"), fields.text("ProviderName")
    if _DEFENDER_ID.fullmatch(original) or terms.is_defender_for_cloud(*names):
        return original
    return own


def members_of(entities: object) -> tuple[str, ...]:
    """The ids that an incident's security-alert entities name, each once, in order.

    ``entities`` are a JSON value as it came, whatever it is.
    """
    return distinct(_named(entities))


def distinct(ids: Iterable[str]) -> tuple[str, ...]:
    """The ids in lower case, without empty ones, each once, in order."""
    return tuple(dict.fromkeys(found for id_ in ids if (found := id_.strip().lower())))


def _named(entities: object) -> Iterator[str]:
    for item in entities if isinstance(entities, list) else []:
        if not isinstance(item, dict):
            continue
        entity = Fields(item, "$")
        # Sentinel's entities are ARM objects: `type` is the resource's, `kind` is ours.
        if entity.text("kind", "type").lower() not in _ALERT_ENTITIES:
            continue
        inside = entity.child("properties") if "properties" in entity else entity
        several = inside.get("SystemAlertIds")
        if isinstance(several, list):
            yield from (id_ for id_ in several if isinstance(id_, str))
        else:
            yield inside.text("SystemAlertIds") or alert_id(inside)
