"""The hub that is written to: the SDK, against the stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import pytest
import pytest_asyncio

from devhost.eventhub.broker import Broker
from devhost.eventhub.message import SectionCode, data_bodies, decode_sections
from devhost.eventhub.server import serve
from shared.clouds import hub as hubs
from shared.clouds.hub import EventHub, namespace_of, place_of
from shared.clouds.outlets import Opened
from shared.model.errors import PermanentFailure, SettingsError, TransientFailure
from shared.model.outlets import HubAddress, HubEvent
from shared.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")


def nobody() -> NoReturn:
    """A connection string needs no identity."""
    raise AssertionError("a credential was asked for")


def event(number: int, order: str = "inc-1", *, size: int = 0) -> HubEvent:
    """An event with a key of its own."""
    body = b'{"n":%d,"fill":"%s"}' % (number, b"x" * size)
    return HubEvent(body=body, order=order, properties={"key": f"key-{number}"})


class Namespace:
    """The stand-in, and what lies in it."""

    def __init__(self, broker: Broker, connection: str) -> None:
        self.broker = broker
        self.connection = connection

    def sender(self, hub: str = "siem") -> EventHub:
        """A sender to a hub of it."""
        return EventHub(HubAddress(hub=hub, connection=Secret(self.connection)), nobody)

    def kept(self) -> dict[str, list[tuple[bytes, str]]]:
        """Body and key of each event, in order, by partition."""
        found: dict[str, list[tuple[bytes, str]]] = {}
        for name, partition in self.broker.hub("siem").partitions.items():
            position = 0
            while (read := partition.log.read(position)) is not None:
                message, position = read
                known: Any = decode_sections(
                    message, SectionCode.APPLICATION_PROPERTIES
                )[SectionCode.APPLICATION_PROPERTIES]
                [body] = data_bodies(message)
                found.setdefault(name, []).append((body, str(known["key"])))
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def namespace() -> AsyncIterator[Namespace]:
    """A namespace with a hub of four partitions."""
    broker = Broker(["siem"], partitions=4)
    async with serve(broker) as server:
        yield Namespace(broker, server.connection_string)


async def test_events_arrive_with_their_keys_and_in_the_order_of_their_incident(
    namespace: Namespace,
) -> None:
    """Those of one incident lie in one partition; the first use opens a producer."""
    sender = namespace.sender()
    events = [event(number, f"inc-{number % 3}") for number in range(30)]

    await sender.send(events[:10])
    await sender.send(events[10:])
    await sender.close()

    kept = [
        each
        for part in namespace.kept().values()
        for each in part
        # Other tests send larger ones.
        if len(each[0]) < 100
    ]
    assert sorted(kept) == sorted(
        (each.body, each.properties["key"]) for each in events
    )
    for name in ("inc-0", "inc-1", "inc-2"):
        own = [(e.body, e.properties["key"]) for e in events if e.order == name]
        [part] = [p for p in namespace.kept().values() if own[0] in p]
        assert [each for each in part if each in own] == own


async def test_what_is_more_than_a_batch_takes_goes_in_several(
    namespace: Namespace,
) -> None:
    """A batch is a megabyte at most; here are three."""
    before = sum(map(len, namespace.kept().values()))
    sender = namespace.sender()

    await sender.send([event(n, "large", size=300_000) for n in range(10)])
    await sender.close()

    assert sum(map(len, namespace.kept().values())) == before + 10


async def test_a_record_that_no_batch_takes_is_final(namespace: Namespace) -> None:
    """However often it is sent."""
    sender = namespace.sender()
    with pytest.raises(PermanentFailure) as failure:
        await sender.send([event(1, size=1_200_000)])
    await sender.close()

    assert failure.value.reason == "invalid"


async def test_a_hub_that_is_not_there_is_transient(namespace: Namespace) -> None:
    """It may be made yet; the key of the connection string is not told."""
    sender = namespace.sender("other")
    with pytest.raises(TransientFailure) as failure:
        await sender.send([event(1)])
    await sender.close()

    assert failure.value.reason == "unavailable"
    assert "SharedAccessKey" not in str(failure.value)


async def test_nobody_there_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be there later; nobody waits for long."""
    monkeypatch.setattr(hubs, "SEND_TIMEOUT_S", 0.2)
    connection = (
        "Endpoint=sb://localhost:9;SharedAccessKeyName=Root;SharedAccessKey=s3cret;"
        "UseDevelopmentEmulator=true;"
    )
    sender = EventHub(HubAddress(hub="siem", connection=Secret(connection)), nobody)
    with pytest.raises(TransientFailure) as failure:
        await sender.send([event(1)])
    await sender.close()

    assert "s3cret" not in str(failure.value)


async def test_the_hub_that_brings_alerts_is_not_written_to() -> None:
    """What is forwarded would come back as an alert, for ever."""
    outlets = Opened(nobody, own="contoso/alerts").outlets
    by_identity = HubAddress(hub="Alerts", namespace="contoso.servicebus.windows.net")
    by_string = HubAddress(
        hub="alerts",
        connection=Secret(
            "Endpoint=sb://CONTOSO.servicebus.windows.net/;SharedAccessKeyName=a;"
            "SharedAccessKey=k"
        ),
    )

    for address in (by_identity, by_string):
        with pytest.raises(SettingsError, match="go round"):
            outlets.hub(address)
    outlets.hub(HubAddress(hub="siem", namespace="contoso.servicebus.windows.net"))
    outlets.hub(HubAddress(hub="alerts", namespace="siem.servicebus.windows.net"))


async def test_what_is_no_connection_string_is_refused() -> None:
    """Without being repeated."""
    for text in ("s3cret", "Endpoint=https://s3cret/;SharedAccessKey=k", ""):
        with pytest.raises(SettingsError) as error:
            namespace_of(text)
        assert "s3cret" not in str(error.value)
    address = HubAddress(hub="A", namespace="N.example")
    assert place_of(address) == "n/a"
