"""ServiceNow as responders have it, and an instance to make incidents at."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from responders.servicenow import ServiceNow
from tests.fakes.clock import Clock
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from devhost.outside import Outside
    from devhost.outside.servicenow import Incident
    from shared.clouds.http import HttpClient
    from shared.model.http import Http


SECRETS = {"PASSWORD": "s3cret", "CLIENT": "cl1ent-secret"}
USER: dict[str, Any] = {
    "url": "https://contoso.service-now.com",
    "user": "firewatch",
    "password": {"setting": "PASSWORD"},
}


def make_servicenow(
    http: Http,
    settings: dict[str, Any] = USER,
    clock: Clock | None = None,
    **changes: Any,  # noqa: ANN401  settings
) -> ServiceNow:
    config = msgspec.convert(settings | changes, ServiceNow.Config)
    ports = make_ports(http, SECRETS, clock=clock or Clock())
    return ServiceNow("desk", config, ports)


class Instance:
    """An instance that Firewatch and people work on."""

    def __init__(self, outside: Outside, http: HttpClient, clock: Clock) -> None:
        self.outside = outside
        self.http = http
        self.clock = clock

    def servicenow(
        self,
        settings: dict[str, Any] = USER,
        **changes: Any,  # noqa: ANN401  settings
    ) -> ServiceNow:
        url = f"{self.outside.url}/servicenow"
        return make_servicenow(self.http, settings, self.clock, url=url, **changes)

    @property
    def incident(self) -> Incident:
        """The only one there is."""
        [incident] = self.outside.servicenow.incidents.values()
        return incident

    @property
    def notes(self) -> list[str]:
        """What was written into it."""
        return [note.value for note in self.outside.servicenow.notes]

    async def person(self, **fields: str) -> None:
        """What somebody there sets or writes."""
        self.clock.step(timedelta(seconds=1))
        pair = base64.b64encode(b"grace:x").decode()
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.patch(
                f"{self.outside.url}/servicenow/api/now/table/incident"
                f"/{self.incident.sys_id}",
                json=fields,
                headers={"authorization": f"Basic {pair}"},
            )
        assert answer.status_code == 200, answer.text
