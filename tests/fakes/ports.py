"""What a responder is built with, in tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from responders.base import Ports
from shared.clouds.remotes import remotes
from shared.model.secret import Secret
from shared.settings import from_environment
from tests.factories import NOON
from tests.fakes.outlets import FakeOutlets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from shared.model.http import Http
    from shared.model.outlets import Outlets
    from shared.model.secret import SecretRef
    from shared.settings import Settings

TOKEN = "t0ken-of-the-app"
ENVIRONMENT = {"AzureWebJobsStorage": "none"}


def make_ports(
    http: Http,
    secrets: Mapping[str, str],
    *,
    clock: Callable[[], datetime] = lambda: NOON,
    settings: Settings | None = None,
    outlets: Outlets | None = None,
) -> Ports:
    """The ports of a responder; ``secrets`` are the values of settings by name.

    Azure is the public cloud, unless ``settings`` say otherwise.
    """

    def secret(ref: SecretRef) -> Secret:
        return Secret(secrets[ref.setting])

    async def token(_scope: str) -> str:
        return TOKEN

    azure = remotes(settings or from_environment(ENVIRONMENT), http=http, token=token)
    return Ports(
        secret,
        http,
        clock,
        token,
        azure,
        outlets or FakeOutlets().outlets,
        FakeKept(),
    )


class FakeKept:
    """``shared.model.kept.Kept`` in memory.

    While it ``loses`` nothing is kept of what is put, and a name that was put is not
    there for as many reads as it is ``late``.
    """

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.loses = False
        self.late = 0

    async def put(self, name: str, content: bytes) -> None:
        if not self.loses:
            self.kept.setdefault(name, content)

    async def get(self, name: str) -> bytes | None:
        found = self.kept.get(name)
        if found is not None and self.late:
            self.late -= 1
            return None
        return found
