from __future__ import annotations

import pytest

from cli.dead_letters import Road, producer

CONNECTION = (
    "Endpoint=sb://NAME.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey=k"
)


@pytest.mark.parametrize("hub", ["name.servicebus.windows.net", CONNECTION])
async def test_a_hub_is_opened_by_its_name_or_by_a_connection_string(hub: str) -> None:
    """A namespace without keys is opened as whoever is signed in, once something is sent."""
    async with producer(Road(hub, "alerts", "", "")) as opened:
        assert opened.eventhub_name == "alerts"
        assert (
            vars(opened)["_address"].hostname.lower() == "name.servicebus.windows.net"
        )
