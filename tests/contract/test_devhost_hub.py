"""The Event Hub trigger and the whole host, against the stand-in and Azurite."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient

from devhost.functions import Function
from devhost.hub_trigger import HubListener
from devhost.invocation import Invoker
from devhost.retry import RetryPolicy
from devhost.settings import HubSettings, SetupError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    import azure.functions as func
    from azure.eventhub.amqp import AmqpAnnotatedMessage

    from devhost.storage import Azurite

ROOT = Path(__file__).parents[2]
IN_TIME_S = 30
SOON = RetryPolicy(max_retry_count=2, shortest_s=0.01, longest_s=0.01)
HUB = "alerts"


class Hub:
    """A stand-in hub, and one producer for it: each new one takes the SDK a second."""

    def __init__(self, connection: str) -> None:
        self.connection = connection
        self._producer = EventHubProducerClient.from_connection_string(
            connection, eventhub_name=HUB
        )

    async def send(
        self,
        *bodies: bytes,
        partition: str = "0",
        properties: dict[str | bytes, Any] | None = None,
        key: str | None = None,
    ) -> None:
        """Send a batch to a partition, or to that of a key."""
        batch: list[EventData | AmqpAnnotatedMessage] = []
        for body in bodies:
            event = EventData(body)
            event.properties = properties or {}
            batch.append(event)
        where = None if key else partition
        await self._producer.send_batch(batch, partition_id=where, partition_key=key)

    async def close(self) -> None:
        await self._producer.close()


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    """A stand-in hub of four partitions."""
    arguments = ("--port", "0", "--hub", HUB, "--partitions", "4")
    with subprocess.Popen(  # noqa: ASYNC220  it says at once that it is ready
        [sys.executable, "-m", "devhost.eventhub", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        found = Hub(json.loads(process.stdout.readline())["connection_string"])
        yield found
        await found.close()
        process.terminate()


@asynccontextmanager
async def _serving(
    azurite: Azurite,
    monkeypatch: pytest.MonkeyPatch,
    hub: Hub,
    call: Callable[..., object],
    *,
    batch: int = 100,
    retry: RetryPolicy | None = None,
    group: str | None = None,
) -> AsyncIterator[HubListener]:
    """Read the hub with one function; a group of its own keeps tests apart."""
    monkeypatch.setenv("Hub", hub.connection)
    monkeypatch.setenv("HUB_NAME", HUB)
    monkeypatch.setenv("AzureWebJobsStorage", azurite.connection_string)
    trigger = {
        "type": "eventHubTrigger",
        "name": "events",
        "connection": "Hub",
        "eventHubName": "%HUB_NAME%",
        "consumerGroup": group or f"g{uuid.uuid4()}",
        "cardinality": "MANY",
        "dataType": "BINARY",
    }
    function = Function(name="f", call=call, trigger=trigger, retry=retry)
    invoker = Invoker([function])
    settings = HubSettings(max_event_batch_size=batch)
    listener = HubListener(function, invoker, settings=settings, ownership_expiry_s=1)
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop(grace_s=IN_TIME_S)
        invoker.close()


def _into(queue: asyncio.Queue[list[func.EventHubEvent]]) -> Callable[..., object]:
    """Make a function that does nothing but show its batch to the test."""

    async def call(events: list[func.EventHubEvent]) -> None:
        queue.put_nowait(events)

    return call


def _bodies(events: Sequence[func.EventHubEvent]) -> list[bytes]:
    return [event.get_body() for event in events]


async def test_events_look_as_on_azure(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch, hub: Hub
) -> None:
    """Body, metadata, numbers, key and times of an event are those of the platform."""
    got: asyncio.Queue[list[func.EventHubEvent]] = asyncio.Queue()
    before = datetime.now(UTC).replace(tzinfo=None)
    raw = bytes(range(256))

    properties: dict[str | bytes, Any] = {"kind": "alert", "n": 7}
    await hub.send(raw, b"2", key="a key", properties=properties)
    async with _serving(azurite, monkeypatch, hub, _into(got)) as listener:
        first, second = await asyncio.wait_for(got.get(), IN_TIME_S)

    assert first.get_body() == raw
    assert [first.sequence_number, second.sequence_number] == [0, 1]
    assert str(first.offset).isdigit()
    assert first.partition_key == "a key"
    assert first.enqueued_time is not None
    # Without a time zone, as the host sends it: see devhost.hub_events.
    assert abs(first.enqueued_time - before) < timedelta(minutes=1)
    metadata: Any = first.metadata
    assert metadata["PartitionContext"]["EventHubName"] == HUB
    assert metadata["PartitionContext"]["PartitionId"] in listener.partitions()
    assert metadata["PropertiesArray"] == [{"kind": "alert", "n": 7}] * 2
    assert metadata["SequenceNumberArray"] == [0, 1]
    assert metadata["SystemPropertiesArray"][1]["x-opt-sequence-number"] == 1
    assert metadata["PartitionKeyArray"] == ["a key"] * 2
    assert len(metadata["EnqueuedTimeUtcArray"]) == len(metadata["OffsetArray"]) == 2


async def test_batches_are_bounded_and_in_order(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch, hub: Hub
) -> None:
    """No batch is larger than host.json allows, and one runs at a time."""
    bodies = [str(number).encode() for number in range(25)]
    got: list[bytes] = []
    sizes: list[int] = []
    running = 0
    done = asyncio.Event()

    async def call(events: list[func.EventHubEvent]) -> None:
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0)
        sizes.append(len(events))
        got.extend(_bodies(events))
        running -= 1
        if len(got) == len(bodies):
            done.set()

    await hub.send(*bodies)
    async with _serving(azurite, monkeypatch, hub, call, batch=10) as listener:
        await asyncio.wait_for(done.wait(), IN_TIME_S)

    assert got == bodies
    assert max(sizes) <= 10
    assert listener.partitions()["0"] == {"sequence_number": 24}
    assert listener.partitions()["1"] == {"sequence_number": None}


async def test_partitions_run_side_by_side(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch, hub: Hub
) -> None:
    """A batch of one partition does not wait for that of another."""
    meeting = asyncio.Barrier(4)

    async def call(events: list[func.EventHubEvent]) -> None:
        assert len(events) == 1
        await meeting.wait()
        met.put_nowait(None)

    met: asyncio.Queue[None] = asyncio.Queue()
    await asyncio.gather(*(hub.send(b"x", partition=number) for number in "0123"))
    async with _serving(azurite, monkeypatch, hub, call):
        for _ in range(4):
            await asyncio.wait_for(met.get(), IN_TIME_S)


async def test_a_failed_batch_is_retried_whole_then_passed(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch, hub: Hub
) -> None:
    """After the last retry the checkpoint advances: a hub knows no poison."""
    tries: list[list[bytes]] = []
    passed: asyncio.Queue[list[bytes]] = asyncio.Queue()

    async def call(events: list[func.EventHubEvent]) -> None:
        bodies = _bodies(events)
        if b"bad" in bodies:
            tries.append(bodies)
            if len(tries) == 3:
                await hub.send(b"next")
            raise OSError
        passed.put_nowait(bodies)

    group = f"g{uuid.uuid4()}"
    await hub.send(b"good", b"bad")
    async with _serving(
        azurite, monkeypatch, hub, call, retry=SOON, group=group
    ) as listener:
        after = await asyncio.wait_for(passed.get(), IN_TIME_S)

    assert tries == [[b"good", b"bad"]] * 3
    assert after == [b"next"]
    assert listener.partitions()["0"] == {"sequence_number": 2}


async def test_a_stopped_host_does_not_checkpoint_what_it_did_not_finish(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch, hub: Hub
) -> None:
    """A batch whose retries the stop cut off comes again; a finished one does not."""
    failed: asyncio.Queue[None] = asyncio.Queue()
    again: asyncio.Queue[list[func.EventHubEvent]] = asyncio.Queue()
    for_ever = RetryPolicy(max_retry_count=-1, shortest_s=3600, longest_s=3600)
    group = f"g{uuid.uuid4()}"

    async def call(events: list[func.EventHubEvent]) -> None:
        if b"first" not in _bodies(events):
            failed.put_nowait(None)
            raise OSError
        await hub.send(b"second")

    await hub.send(b"first")
    async with _serving(
        azurite, monkeypatch, hub, call, retry=for_ever, group=group
    ) as listener:
        await asyncio.wait_for(failed.get(), IN_TIME_S)
    assert listener.partitions()["0"] == {"sequence_number": 0}
    async with _serving(azurite, monkeypatch, hub, _into(again), group=group):
        events = await asyncio.wait_for(again.get(), IN_TIME_S)

    assert _bodies(events) == [b"second"]


async def test_a_batch_that_ends_while_the_host_stops_comes_again(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch, hub: Hub
) -> None:
    """It may finish, but nothing is checkpointed once the host stops."""
    begun, may_end = asyncio.Event(), asyncio.Event()
    again: asyncio.Queue[list[func.EventHubEvent]] = asyncio.Queue()
    group = f"g{uuid.uuid4()}"
    ended: list[int] = []

    async def call(events: list[func.EventHubEvent]) -> None:
        begun.set()
        await may_end.wait()
        ended.append(len(events))

    await hub.send(b"late")
    async with _serving(azurite, monkeypatch, hub, call, group=group) as listener:
        await asyncio.wait_for(begun.wait(), IN_TIME_S)
        stopping = asyncio.create_task(listener.stop(grace_s=IN_TIME_S))
        await asyncio.sleep(0)
        may_end.set()
        await stopping
    assert ended == [1]
    assert listener.partitions()["0"] == {"sequence_number": None}
    async with _serving(azurite, monkeypatch, hub, _into(again), group=group):
        events = await asyncio.wait_for(again.get(), IN_TIME_S)

    assert _bodies(events) == [b"late"]


@pytest.mark.parametrize(
    ("group", "named", "says"),
    [("$Default", "$Default", "production"), ("theirs", "mine", "theirs")],
)
def test_a_real_hub_is_not_read_by_accident(
    monkeypatch: pytest.MonkeyPatch, group: str, named: str, says: str
) -> None:
    """Only a group that the command line names is read from a real hub."""
    with pytest.raises(SetupError, match=says):
        _listener(monkeypatch, group=group, named=named)


def test_a_real_hub_is_read_in_the_named_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A group that the binding and the command line agree on is accepted."""
    assert _listener(monkeypatch, group="mine", named="mine").hub_name == HUB


def test_an_emulator_needs_the_exact_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK takes `True` for no, and would speak to a real hub: so do we."""
    with pytest.raises(SetupError, match="production"):
        _listener(monkeypatch, group="$Default", emulator="UseDevelopmentEmulator=True")


def _listener(
    monkeypatch: pytest.MonkeyPatch,
    *,
    group: str,
    named: str | None = None,
    emulator: str = "",
) -> HubListener:
    endpoint = "Endpoint=sb://x.servicebus.windows.net/;"
    access = "SharedAccessKeyName=n;SharedAccessKey=k;"
    monkeypatch.setenv("Hub", endpoint + access + emulator)
    monkeypatch.setenv("AzureWebJobsStorage", "UseDevelopmentStorage=true")
    trigger = {
        "type": "eventHubTrigger",
        "name": "events",
        "connection": "Hub",
        "eventHubName": HUB,
        "consumerGroup": group,
        "cardinality": "MANY",
    }
    function = Function(name="f", call=print, trigger=trigger)
    return HubListener(
        function, Invoker([function]), settings=HubSettings(), consumer_group=named
    )


class HostProcess:
    """`python -m devhost` on the toy app, and what the toy says on stderr."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.ready: dict[str, Any] = {}

    async def says(self, function: str) -> dict[str, Any]:
        """Wait for the next record of a function of the toy app."""
        assert self.process.stderr is not None
        while line := await asyncio.wait_for(self.process.stderr.readline(), IN_TIME_S):
            if line.startswith(b"toy "):
                record: dict[str, Any] = json.loads(line.removeprefix(b"toy "))
                if record["function"] == function:
                    return record
        raise AssertionError("the host ended")

    async def ask(self, path: str, *, method: str = "GET") -> tuple[int, bytes]:
        url = f"http://127.0.0.1:{self.ready['port']}{path}"
        headers = {"x-functions-key": self.ready["function_key"]}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, headers=headers) as answer,
        ):
            return answer.status, await answer.read()

    async def has_checkpointed(self, partition: str, number: int) -> None:
        async with asyncio.timeout(IN_TIME_S):
            reached = None
            while reached != number:
                _, body = await self.ask("/admin/host/status")
                reached = json.loads(body)["partitions"][partition]["sequence_number"]

    async def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        await asyncio.wait_for(self.process.communicate(), IN_TIME_S)
        return self.process.returncode or 0


@asynccontextmanager
async def _host(
    azurite: Azurite, hub: Hub, group: str, *arguments: str
) -> AsyncIterator[HostProcess]:
    environment = {
        **os.environ,
        "AzureWebJobsStorage": azurite.connection_string,
        "AlertsHub": hub.connection,
        "ALERTS_HUB": HUB,
        "ALERTS_GROUP": group,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "devhost", "--app-dir", "tests/fakes/toy_app"),
        *("--exit-with-parent", "--ownership-expiry", "2", *arguments),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    host = HostProcess(process)
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), IN_TIME_S)
        host.ready = json.loads(line)
        yield host
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_the_host_serves_every_trigger(azurite: Azurite, hub: Hub) -> None:
    """One process serves hub, queue, timer and HTTP, reports, and ends in order."""
    await hub.send(b"a", b"b", partition="2")

    async with _host(azurite, hub, "all", "--timer-interval", "0.2") as host:
        event = await host.says("on_events")
        tick = await host.says("on_tick")
        greeting = await host.ask("/api/hello/you")
        boom = await host.ask("/api/boom")
        code, body = await host.ask("/admin/host/status")
        status = json.loads(body)
        ended = await host.end()

    assert host.ready["ready"] == "app"
    assert (event["partition"], event["bodies"], event["retry"]) == ("2", ["a", "b"], 0)
    assert tick["past_due"] is False
    assert greeting == (200, b"hello you 0")
    assert boom == (500, b"")
    assert code == 200
    assert set(status) == {"functions", "invocations", "partitions", "queues"}
    assert status["invocations"]["boom"] == {"succeeded": 0, "failed": 1, "running": 0}
    assert set(status["partitions"]) == set("0123")
    assert status["queues"]["toy-work"]["messages"] == 0
    assert ended == 0


async def test_a_killed_host_resumes_where_it_was(azurite: Azurite, hub: Hub) -> None:
    """After kill -9 the next host reads on from the checkpoint, within seconds."""
    await hub.send(b"before")
    async with _host(azurite, hub, "killed") as host:
        assert (await host.says("on_events"))["bodies"] == ["before"]
        await host.has_checkpointed("0", 0)
        await host.end(signal.SIGKILL)
    await hub.send(b"after")
    started = asyncio.get_running_loop().time()
    async with _host(azurite, hub, "killed") as host:
        resumed = await host.says("on_events")

    assert resumed["bodies"] == ["after"]
    assert asyncio.get_running_loop().time() - started < 10


async def test_a_batch_cut_off_by_kill_comes_again(azurite: Azurite, hub: Hub) -> None:
    """At least once: what a killed host had not checkpointed is delivered again."""
    await hub.send(b"block")
    async with _host(azurite, hub, "cut-off") as host:
        assert (await host.says("on_events"))["bodies"] == ["block"]
        await host.end(signal.SIGKILL)
    async with _host(azurite, hub, "cut-off") as host:
        again = await host.says("on_events")

    assert (again["bodies"], again["numbers"]) == (["block"], [0])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no parent to watch")
async def test_a_child_ends_with_its_parent() -> None:
    """A process that asked for it does not outlive a parent that was killed."""
    child = (
        "import os, signal; from devhost.parent import exit_with_parent; "
        "exit_with_parent(poll_s=0.05); print('up', flush=True); signal.pause()"
    )
    parent = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", parent, child),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    up = await asyncio.wait_for(process.stdout.readline(), IN_TIME_S)

    process.kill()
    # The child holds the pipe too: its end is the end of the stream.
    rest = await asyncio.wait_for(process.stdout.read(), IN_TIME_S)
    await process.wait()

    assert (up, rest) == (b"up\n", b"")


async def test_a_real_hub_in_the_default_group_is_an_error(azurite: Azurite) -> None:
    """A host that may not serve says why on stderr and exits 2."""
    code, text = await _fails(
        azurite,
        "Endpoint=sb://x.servicebus.windows.net/;"
        "SharedAccessKeyName=n;SharedAccessKey=k",
        "tests/fakes/toy_app",
    )

    assert code == 2
    assert "production" in text


async def test_an_app_that_cannot_be_imported_is_an_error(
    azurite: Azurite, tmp_path: Path
) -> None:
    """The error is shown, with what Azure would make of it, and the code is 1."""
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text("import nothing_of_that_name")

    code, text = await _fails(azurite, "", str(tmp_path))

    assert code == 1
    assert "nothing_of_that_name" in text
    assert "every function" in text


async def _fails(azurite: Azurite, hub: str, folder: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "devhost", "--app-dir", folder),
        cwd=ROOT,
        env={
            **os.environ,
            "AzureWebJobsStorage": azurite.connection_string,
            "AlertsHub": hub,
            "ALERTS_HUB": HUB,
            "ALERTS_GROUP": "$Default",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, text = await asyncio.wait_for(process.communicate(), IN_TIME_S)
    assert out == b""
    return process.returncode or 0, text.decode()
