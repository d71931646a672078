"""Who is told that Firewatch is alive, so that somebody hears when it is not."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

import msgspec

from shared.model.secret import SecretRef


class HeartbeatMethod(StrEnum):
    """How a sign of life is sent."""

    GET = "get"
    POST = "post"


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dead man's switch: it calls somebody where no sign of life comes in time.

    ``url`` and ``authorization`` name settings: whoever knows the one may send, and the
    other is the whole value of that header, where the other side wants it.
    """

    url: SecretRef
    every: timedelta = timedelta(minutes=5)
    method: HeartbeatMethod = HeartbeatMethod.GET
    authorization: SecretRef | None = None
