"""What a responder is built with, in tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from responders.base import Ports
from shared.model.secret import Secret
from tests.factories import NOON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from shared.model.http import Http
    from shared.model.secret import SecretRef

TOKEN = "t0ken-of-the-app"


def make_ports(
    http: Http,
    secrets: Mapping[str, str],
    *,
    clock: Callable[[], datetime] = lambda: NOON,
) -> Ports:
    """The ports of a responder; ``secrets`` are the values of settings by name."""

    def secret(ref: SecretRef) -> Secret:
        return Secret(secrets[ref.setting])

    async def token(_scope: str) -> str:
        return TOKEN

    return Ports(secret, http, clock, token)
