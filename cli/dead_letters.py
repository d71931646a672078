"""`firewatch dead-letters`: what could not become an alert, and sending it again."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, NamedTuple

import httpx
import msgspec
import typer

from cli import tables
from cli.account import named, open_account, running
from cli.incidents import Account, Json, print_json
from shared.model.text import cut

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from azure.eventhub.aio import EventHubProducerClient

    from shared.store.archive import DeadLetter

app = typer.Typer(
    help="List dead letters, and put them back on their road.", no_args_is_help=True
)
console = tables.console()

# So that whoever reads the hub can tell a replay from the detector's own delivery.
REPLAY_PROPERTY = "firewatch-replay"


class ReplayError(Exception):
    """A dead letter could not be put back on its road; the message says why."""


class Road(NamedTuple):
    """Where a replay goes: an Event Hub, or the app's webhook with a sender's key."""

    hub: str
    hub_name: str
    url: str
    key: str

    def __str__(self) -> str:
        return f"{self.url}/api/alerts" if self.url else f"hub {self.hub_name}"


@app.command("list")
def list_(account: Account = None, as_json: Json = False) -> None:
    """List dead letters: where each came from, and why it was given up."""
    found = asyncio.run(_letters(named(account)))
    if as_json:
        print_json([{"name": name, **msgspec.to_builtins(x)} for name, x in found])
        return
    console.print(
        tables.table(
            tables.counted(len(found), "dead letter"),
            ("why", "received", "replayed", "name"),
            (
                (
                    cut(
                        "; ".join(f"{p.path}: {p.problem}" for p in letter.problems), 60
                    ),
                    _shown(letter.received_at),
                    _shown(letter.replayed_at),
                    name,
                )
                for name, letter in found
            ),
        )
    )


@app.command()
def replay(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names as listed; or --all.")
    ] = None,
    account: Account = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every one that was not replayed yet.")
    ] = False,
    hub: Annotated[
        str,
        typer.Option(
            envvar="FIREWATCH_HUB",
            help="Hub to send to: NAME.servicebus.windows.net, signed in as"
            " yourself, or a connection string.",
        ),
    ] = "",
    hub_name: Annotated[str, typer.Option(help="The hub's name.")] = "",
    url: Annotated[str, typer.Option(help="POST to the app at this URL instead.")] = "",
    key: Annotated[
        str,
        typer.Option(envvar="FIREWATCH_KEY", help="A sender's key, with --url."),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Put the raw bytes back on the app's own road; it takes them as if new.

    Nothing is written to its tables, and alerts that it knows are duplicates.
    """
    road = _road(hub, hub_name, url, key)
    where = named(account)
    found = dict(asyncio.run(_letters(where)))
    if unknown := [name for name in names or [] if name not in found]:
        raise typer.BadParameter(f"no dead letter {unknown[0]}", param_hint="NAMES")
    fresh = [name for name, letter in found.items() if letter.replayed_at is None]
    chosen = fresh if everything else list(names or [])
    if not chosen:
        console.print("Nothing to replay: name dead letters, or --all.")
        raise typer.Exit(0 if everything else 2)
    for name in chosen:
        console.print(f"{name}  {len(found[name].raw)} bytes", markup=False)
    if not yes:
        typer.confirm(f"Send {len(chosen)} to {road}?", abort=True)
    asyncio.run(_replay(where, road, [(name, found[name]) for name in chosen]))
    console.print(f"{len(chosen)} sent to {road}.", markup=False)


def _road(hub: str, hub_name: str, url: str, key: str) -> Road:
    if url:
        if not key:
            raise typer.BadParameter("--url needs a sender's --key", param_hint="--key")
        return Road("", "", url.rstrip("/"), key)
    if hub:
        if not hub_name:
            raise typer.BadParameter("--hub needs --hub-name", param_hint="--hub-name")
        return Road(hub, hub_name, "", "")
    found = running()
    if found is None:
        raise typer.BadParameter(
            "no `firewatch run` is up here: name --hub and --hub-name, or --url and --key",
            param_hint="--hub",
        )
    return Road(found.hub, found.hub_name, "", "")


async def _letters(account: str) -> list[tuple[str, DeadLetter]]:
    storage = await open_account(account)
    try:
        return [pair async for pair in storage.archive.letters()]
    finally:
        await storage.close()


async def _replay(
    account: str, road: Road, letters: Sequence[tuple[str, DeadLetter]]
) -> None:
    """Send each, then mark it; a crash in between sends it twice, which is harmless."""
    storage = await open_account(account)
    try:
        for name, letter in letters:
            await (_post if road.url else _send)(road, letter.raw)
            await storage.archive.mark_replayed(name, letter, datetime.now(UTC))
    finally:
        await storage.close()


async def _send(road: Road, body: bytes) -> None:
    from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415
    from azure.eventhub import EventData  # noqa: PLC0415  only replay needs the SDK
    from azure.eventhub.exceptions import EventHubError  # noqa: PLC0415

    event = EventData(body)
    event.properties = {REPLAY_PROPERTY: "1"}
    try:
        async with producer(road) as opened:
            await opened.send_batch([event])
    except (ClientAuthenticationError, EventHubError, ValueError) as error:
        why = str(error).partition("\n")[0]
        raise ReplayError(f"{road}: {why}") from error


@asynccontextmanager
async def producer(road: Road) -> AsyncIterator[EventHubProducerClient]:
    """Open a hub: by its connection string, or by its name as whoever is signed in."""
    from azure.eventhub.aio import EventHubProducerClient  # noqa: PLC0415

    # A connection string is a list of names and values; the name of a host has neither.
    if "=" in road.hub:
        async with EventHubProducerClient.from_connection_string(
            road.hub, eventhub_name=road.hub_name
        ) as opened:
            yield opened
        return
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415

    async with (
        DefaultAzureCredential() as credential,
        EventHubProducerClient(
            fully_qualified_namespace=road.hub,
            eventhub_name=road.hub_name,
            credential=credential,
        ) as opened,
    ):
        yield opened


async def _post(road: Road, body: bytes) -> None:
    headers = {"x-firewatch-key": road.key, "x-firewatch-replay": "1"}
    try:
        async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
            answer = await client.post(str(road), content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ReplayError(f"{road} does not answer: {type(error).__name__}") from error
    # 400 is the app's word that the bytes are still no JSON: they are kept again.
    if not answer.is_success and answer.status_code != httpx.codes.BAD_REQUEST:
        raise ReplayError(f"{road} answered {answer.status_code}")


def _shown(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z" if at else "-"
