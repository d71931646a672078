"""An Event Hub that is written to, by the SDK of Azure."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    SettingsError,
    TransientFailure,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from azure.core.credentials_async import AsyncTokenCredential
    from azure.eventhub import EventData
    from azure.eventhub.aio import EventHubProducerClient

    from shared.model.outlets import HubAddress, HubEvent

# The core tries again; retries here only bridge a hiccup.
_PATIENCE: dict[str, Any] = {
    "retry_total": 1,
    "retry_backoff_factor": 0.2,
    "auth_timeout": 10,
}
SEND_TIMEOUT_S = 20.0


class EventHub:
    """``shared.model.outlets.Hub`` by azure-eventhub: one producer, made at first use."""

    def __init__(
        self, address: HubAddress, credential: Callable[[], AsyncTokenCredential]
    ) -> None:
        self._address = address
        self._credential = credential
        self._producer: EventHubProducerClient | None = None

    async def send(self, events: Sequence[HubEvent]) -> None:
        """Send them, those of one order together; see ``shared.model.outlets.Hub``."""
        # Imported here: it takes a third of a second that only this road pays.
        from azure.eventhub.exceptions import (  # noqa: PLC0415
            AuthenticationError,
            EventHubError,
        )

        orders: dict[str, list[HubEvent]] = {}
        for event in events:
            orders.setdefault(event.order, []).append(event)
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                for order, of_it in orders.items():
                    await self._sent(order, of_it)
        # Without the causes: their texts repeat what the other side answers.
        except AuthenticationError:
            raise PermanentFailure(
                FailureReason.AUTH, f"hub {self._address.hub} does not let us send"
            ) from None
        except TimeoutError:
            raise TransientFailure(
                FailureReason.TIMEOUT, f"hub {self._address.hub} did not answer in time"
            ) from None
        except EventHubError as error:
            name = type(error).__name__
            raise TransientFailure(
                FailureReason.UNAVAILABLE, f"hub {self._address.hub}: {name}"
            ) from None

    async def close(self) -> None:
        """Close the connection; the next use opens another."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.close()

    async def _sent(self, order: str, events: Sequence[HubEvent]) -> None:
        if self._producer is None:
            self._producer = self._made()
        producer = self._producer
        batch = await producer.create_batch(partition_key=order)
        for event in _as_sent(events):
            try:
                batch.add(event)
            except ValueError:
                # Full; one that does not fit an empty one fits none.
                if not len(batch):
                    raise _too_large() from None
                await producer.send_batch(batch)
                batch = await producer.create_batch(partition_key=order)
                try:
                    batch.add(event)
                except ValueError:
                    raise _too_large() from None
        if len(batch):
            await producer.send_batch(batch)

    def _made(self) -> EventHubProducerClient:
        from azure.eventhub.aio import EventHubProducerClient  # noqa: PLC0415

        address = self._address
        if address.connection is not None:
            return EventHubProducerClient.from_connection_string(
                address.connection.reveal(), eventhub_name=address.hub, **_PATIENCE
            )
        return EventHubProducerClient(
            address.namespace, address.hub, self._credential(), **_PATIENCE
        )


def place_of(address: HubAddress) -> str:
    """The hub as ``namespace/hub``, to be compared. Raises SettingsError."""
    host = address.namespace.lower()
    if address.connection is not None:
        host = namespace_of(address.connection.reveal())
    return f"{host.partition('.')[0]}/{address.hub.lower()}"


def namespace_of(connection: str) -> str:
    """The namespace that a connection string is for.

    Raises SettingsError, which does not repeat it.
    """
    parts = dict(part.partition("=")[::2] for part in connection.split(";"))
    scheme, _, rest = parts.get("Endpoint", "").partition("://")
    if scheme != "sb" or not rest or "SharedAccessKey" not in parts:
        raise SettingsError(["connection is no connection string of an Event Hub"])
    return rest.strip("/").lower()


def _as_sent(events: Iterable[HubEvent]) -> Iterable[EventData]:
    from azure.eventhub import EventData  # noqa: PLC0415

    for event in events:
        data = EventData(event.body)
        data.content_type = "application/json"
        data.properties = dict(event.properties.items())
        yield data


def _too_large() -> PermanentFailure:
    return PermanentFailure(
        FailureReason.INVALID, "a record is larger than the hub takes"
    )
