"""CloudEvents 1.0: an envelope around what another format reads.

A batch is a list, which framing takes apart. In binary mode the attributes are in HTTP
headers; ``structured`` puts both together first.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from shared.model.errors import AlertRejected
from shared.sources import terms
from shared.sources.fields import Fields
from shared.sources.framing import BYTE_ORDER_MARK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

KIND = "cloud-events"
MEDIA_TYPE = "application/cloudevents"

# Azure's own event types; all others are somebody's custom ones.
_AZURE = "microsoft."
_GRAPH_ALERT = "microsoft.graph.alert"
# What alerts have at their root. None of Azure's notifications has.
_ALERT_NAMES = frozenset({"alertid", "alerttype", "schemaid", "systemalertid"})

# The HTTP binding: attribute names are lower-case letters and digits.
_ATTRIBUTE = re.compile(r"ce-([a-z0-9]{1,64})")


def recognises(fields: Fields) -> bool:
    """Row 13 of wire-formats.md 0."""
    return "specversion" in fields


def read(fields: Fields, *, received_at: datetime) -> Fields | str:
    """What is inside, or why the event is no alert.

    Raises AlertRejected where a custom event holds nothing that could be one.
    """
    del received_at
    return inside(fields, "CloudEvent", fields.text("type"))


def inside(fields: Fields, envelope: str, event_type: str) -> Fields | str:
    """The object in an event's data, or why the event is no alert.

    Azure's notifications are ignored by their type, unless type or data look like an
    alert's: one that we do not know yet must reach a dead letter, not vanish.
    """
    kind = event_type.lower()
    if kind.startswith(_GRAPH_ALERT):
        shown = terms.plain_name(event_type)
        return f"{envelope} ({shown}), which carries only an alert's id"
    data, path = _data(fields)
    names = {name.lower() for name in data} if isinstance(data, dict) else set()
    if kind.startswith(_AZURE) and "alert" not in kind and not names & _ALERT_NAMES:
        return f"{envelope} ({terms.plain_name(event_type)}), not an alert"
    if not isinstance(data, dict):
        what = "is missing" if data is None else "is no object"
        raise AlertRejected(path, f"{what}; expected an object")
    return Fields(data, path)


def structured(headers: Mapping[str, str], body: bytes) -> bytes | None:
    """A binary-mode request as one structured event; None where it is no such request.

    Header names are in lower case. The body stands in it byte for byte, or in base64
    where it is no JSON.
    """
    media_type = headers.get("content-type", "")
    if "ce-specversion" not in headers or media_type.lower().startswith(MEDIA_TYPE):
        return None
    event: dict[str, object] = {
        found[1]: unquote(value, errors="replace").encode(errors="replace").decode()
        for name, value in headers.items()
        if (found := _ATTRIBUTE.fullmatch(name)) and found[1] != "data"
    }
    data = body.removeprefix(BYTE_ORDER_MARK).strip()
    try:
        if data:
            event["data"] = msgspec.json.decode(data, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        event["data_base64"] = base64.b64encode(body).decode()
    return msgspec.json.encode(event)


def _data(fields: Fields) -> tuple[object, str]:
    """The data and its place; a list of one stands for the one."""
    if "data" in fields or "data_base64" not in fields:
        data, path = fields.decoded("data"), f"{fields.path}.data"
    else:
        path = f"{fields.path}.data_base64"
        data = _unpacked(fields.text("data_base64"), path)
    if isinstance(data, list) and len(data) == 1:
        return data[0], f"{path}[0]"
    return data, path


def _unpacked(text: str, path: str) -> object:
    try:
        raw = base64.b64decode(text, validate=True)
        return msgspec.json.decode(raw.removeprefix(BYTE_ORDER_MARK))
    except (ValueError, RecursionError):
        raise AlertRejected(path, "is not JSON in base64") from None
