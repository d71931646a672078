"""The outside world: as strict as the real sides, and failing on request."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from devhost.outside import Fault, Outside
from tests.factories import NOON

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ROOT = Path(__file__).parents[3]
KEY = "k" * 32
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()


class Clock:
    """Stands still until it is told to step."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def step(self, **by: float) -> None:
        self.now += timedelta(**by)


class Sender:
    """What talks to the outside world in these tests."""

    def __init__(
        self, outside: Outside, clock: Clock, client: httpx.AsyncClient
    ) -> None:
        self.outside = outside
        self.clock = clock
        self.client = client

    async def page(self, action: str = "trigger", **changes: Any) -> httpx.Response:  # noqa: ANN401 - the fields of an event
        body = make_event(action) | changes
        return await self.client.post("/pagerduty/v2/enqueue", json=body)

    async def notify(
        self,
        *,
        key: bytes = b"s" * 32,
        receiver: str = "portal",
        body: bytes = b'{"type":"incident.opened"}',
        media_type: str = "application/json",
        **changes: str,
    ) -> httpx.Response:
        headers = {
            "content-type": media_type,
            "webhook-id": "one",
            "webhook-timestamp": str(int(NOON.timestamp())),
        } | changes
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode()
        digest = hmac.digest(key, signed + body, hashlib.sha256)
        headers.setdefault(
            "webhook-signature",
            f"v1,{base64.b64encode(b'x' * 32).decode()} "
            f"v1,{base64.b64encode(digest).decode()}",
        )
        return await self.client.post(
            f"/webhook/{receiver}", content=body, headers=headers
        )

    async def control(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes it
        headers = {"x-control-key": self.outside.control_key}
        return await self.client.request(
            method, f"/control/{path}", headers=headers, **more
        )


def make_event(action: str = "trigger") -> dict[str, Any]:
    event: dict[str, Any] = {
        "routing_key": KEY,
        "event_action": action,
        "dedup_key": "fw-1",
    }
    if action == "trigger":
        event["payload"] = {"summary": "fire", "source": "vm", "severity": "critical"}
    return event


@asynccontextmanager
async def sending() -> AsyncIterator[Sender]:
    clock = Clock()
    async with (
        Outside.start(clock=clock) as outside,
        httpx.AsyncClient(base_url=outside.url, trust_env=False) as client,
    ):
        outside.webhook.trust("portal", SECRET)
        yield Sender(outside, clock, client)


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with sending() as made:
        yield made


# PagerDuty


async def test_a_trigger_opens_one_alert_however_often_it_comes(sender: Sender) -> None:
    """Repeats of a dedup_key count as triggers, and page nobody again."""
    for _ in range(3):
        reply = await sender.page()

    assert reply.status_code == 202
    assert reply.json()["dedup_key"] == "fw-1"
    [page] = sender.outside.pagerduty.pages()
    assert (page.opens, page.triggers, page.resolved) == (1, 3, False)
    assert len(sender.outside.pagerduty.events) == 3


async def test_a_trigger_after_the_resolve_opens_a_new_alert(sender: Sender) -> None:
    """A late retry pages again, as it would for real."""
    await sender.page()
    await sender.page("resolve")
    resolved = sender.outside.pagerduty.pages()[0].resolved
    sender.clock.step(minutes=1)
    await sender.page()

    [page] = sender.outside.pagerduty.pages()
    assert resolved
    assert (page.opens, page.resolved) == (2, False)
    assert page.opened_at == NOON + timedelta(minutes=1)


@pytest.mark.parametrize("action", ["resolve", "acknowledge"])
async def test_what_has_no_open_alert_is_dropped_silently(
    sender: Sender, action: str
) -> None:
    """202, and nothing happens."""
    reply = await sender.page(action)

    assert reply.status_code == 202
    assert sender.outside.pagerduty.pages() == []


async def test_another_key_has_other_alerts(sender: Sender) -> None:
    """A dedup_key means something to one integration only."""
    await sender.page()
    await sender.page("resolve", routing_key="o" * 32)

    assert [page.resolved for page in sender.outside.pagerduty.pages()] == [False]


async def test_an_acknowledged_alert_is_still_open(sender: Sender) -> None:
    """A repeat of its trigger opens nothing."""
    await sender.page()
    await sender.page("acknowledge")
    await sender.page()

    [page] = sender.outside.pagerduty.pages()
    assert (page.acknowledged, page.resolved, page.opens) == (True, False, 1)


async def test_a_trigger_needs_no_dedup_key(sender: Sender) -> None:
    """PagerDuty makes one up and says it."""
    event = make_event()
    del event["dedup_key"]

    reply = await sender.client.post("/pagerduty/v2/enqueue", json=event)

    assert reply.status_code == 202
    assert reply.json()["dedup_key"]


def invalid_events() -> Iterator[tuple[str, dict[str, Any]]]:
    payload = make_event()["payload"]
    yield "routing_key", {"routing_key": "short"}
    yield "routing_key", {"routing_key": None}
    yield "event_action", {"event_action": "open"}
    yield "dedup_key", {"dedup_key": "x" * 256}
    yield "dedup_key", {"dedup_key": ""}
    yield "dedup_key", {"event_action": "resolve", "dedup_key": None}
    yield "payload", {"payload": None}
    yield "summary", {"payload": payload | {"summary": "x" * 1025}}
    yield "summary", {"payload": payload | {"summary": ""}}
    yield "source", {"payload": payload | {"source": None}}
    yield "severity", {"payload": payload | {"severity": "high"}}
    yield "timestamp", {"payload": payload | {"timestamp": "noon"}}
    yield "timestamp", {"payload": payload | {"timestamp": 5}}
    yield "class", {"payload": payload | {"class": ["x"]}}
    yield "custom_details", {"payload": payload | {"custom_details": "x"}}
    yield "links", {"links": [{"text": "no href"}]}
    yield "links", {"links": {}}
    yield "links", {"payload": payload | {"links": []}}
    yield "images", {"images": [{"href": "x"}]}


@pytest.mark.parametrize(("field", "changes"), list(invalid_events()))
async def test_an_invalid_event_is_refused(
    sender: Sender, field: str, changes: dict[str, Any]
) -> None:
    """400 with the field that is wrong, and nothing is kept of it."""
    reply = await sender.page(**changes)

    assert reply.status_code == 400
    assert reply.json()["status"] == "invalid event"
    assert [error for error in reply.json()["errors"] if field in error]
    assert sender.outside.pagerduty.events == []
    assert len(sender.outside.pagerduty.refused) == 1


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b'{"x": "' + b"y" * 512 * 1024 + b'"}']
)
async def test_what_is_no_event_is_refused(sender: Sender, body: bytes) -> None:
    """JSON objects up to 512 KB only."""
    reply = await sender.client.post("/pagerduty/v2/enqueue", content=body)

    assert reply.status_code == 400


# The signed webhook


async def test_a_signed_notice_is_taken_once(sender: Sender) -> None:
    """The same id again is a repeat, answered well and not delivered anew."""
    replies = [await sender.notify() for _ in range(3)]

    assert [reply.status_code for reply in replies] == [200, 200, 200]
    [delivery] = sender.outside.webhook.deliveries
    assert (delivery.id, delivery.repeats) == ("one", 2)
    assert delivery.body == {"type": "incident.opened"}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"key": b"another"}, "signature"),
        ({"receiver": "stranger"}, "no secret"),
        ({"webhook-id": ""}, "webhook-id"),
        ({"webhook-id": "a.b"}, "webhook-id"),
        ({"webhook-timestamp": "noon"}, "webhook-timestamp"),
        ({"webhook-timestamp": "9" * 30}, "webhook-timestamp"),
        ({"webhook-timestamp": str(int(NOON.timestamp()) - 301)}, "five minutes"),
        ({"webhook-timestamp": str(int(NOON.timestamp()) + 301)}, "five minutes"),
        ({"webhook-signature": ""}, "signature"),
        ({"webhook-signature": "v1, garbage  v1a,x"}, "signature"),
    ],
)
async def test_what_nobody_signed_is_refused(
    sender: Sender, changes: dict[str, Any], problem: str
) -> None:
    """401, whatever is wrong with the signature, its time or its receiver."""
    reply = await sender.notify(**changes)

    assert reply.status_code == 401
    assert problem in reply.json()["error"]
    assert sender.outside.webhook.deliveries == []
    assert len(sender.outside.webhook.refused) == 1


EVENT = {"specversion": "1.0", "id": "1", "source": "/x", "type": "x.opened"}


async def test_a_cloud_event_is_taken(sender: Sender) -> None:
    """With the media type of one, and the attributes that each has."""
    reply = await sender.notify(
        body=json.dumps(EVENT).encode(),
        media_type="application/cloudevents+json; charset=utf-8",
    )

    assert reply.status_code == 200
    assert [each.body for each in sender.outside.webhook.deliveries] == [EVENT]


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ([EVENT], "no object"),
        *(({**EVENT, name: None}, f"no {name}") for name in EVENT),
        ({**EVENT, "source": ""}, "no source"),
        ({**EVENT, "specversion": "0.3"}, "1.0"),
    ],
)
async def test_what_is_no_cloud_event_is_refused(
    sender: Sender, event: object, problem: str
) -> None:
    """However well it is signed."""
    reply = await sender.notify(
        body=json.dumps(event).encode(),
        media_type="application/cloudevents+json",
    )

    assert reply.status_code == 400
    assert problem in reply.json()["error"]
    assert sender.outside.webhook.deliveries == []


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_?", SECRET[6:], "whsec_QUJD"])
async def test_a_secret_that_is_none_is_refused(sender: Sender, secret: str) -> None:
    """Over the control API it is the request's fault."""
    with pytest.raises(ValueError, match="whsec_"):
        sender.outside.webhook.trust("other", secret)
    reply = await sender.control(
        "POST", "webhook-secret", json={"name": "other", "secret": secret}
    )

    assert reply.status_code == 400


async def test_a_secret_can_be_given_later(sender: Sender) -> None:
    """A receiver exists from the moment its secret is known."""
    before = await sender.notify(receiver="later")
    given = await sender.control(
        "POST", "webhook-secret", json={"name": "later", "secret": SECRET}
    )
    after = await sender.notify(receiver="later")

    assert (before.status_code, given.status_code, after.status_code) == (401, 204, 200)


# Faults


async def test_a_fault_by_count_passes(sender: Sender) -> None:
    """So many requests fail, on one side, with the answer that was asked for."""
    fault = {"side": "pagerduty", "status": 503, "retry_after": 7, "times": 2}
    await sender.control("POST", "faults", json=fault)

    replies = [await sender.page() for _ in range(3)]
    other = await sender.notify()

    assert [reply.status_code for reply in replies] == [503, 503, 202]
    assert replies[0].headers["retry-after"] == "7"
    assert other.status_code == 200
    assert len(sender.outside.pagerduty.events) == 1


async def test_a_fault_by_duration_passes(sender: Sender) -> None:
    """It ends when its time is over, by the injected clock."""
    sender.outside.faults.add(Fault(side="pagerduty", status=500, for_s=60))

    during = await sender.page()
    sender.clock.step(seconds=60)
    after = await sender.page()

    assert (during.status_code, after.status_code) == (500, 202)


async def test_a_fault_lasts_until_it_is_taken_away(sender: Sender) -> None:
    """Without count or duration it is for good."""
    await sender.control("POST", "faults", json={"side": "pagerduty", "status": 429})
    during = [await sender.page() for _ in range(5)]
    cleared = await sender.control("DELETE", "faults")
    after = await sender.page()

    assert {reply.status_code for reply in during} == {429}
    assert (cleared.status_code, after.status_code) == (204, 202)


@pytest.mark.parametrize(("is_taken", "events"), [(False, 0), (True, 1)])
async def test_a_dropped_connection_may_have_been_taken(
    sender: Sender, *, is_taken: bool, events: int
) -> None:
    """The sender cannot tell the two apart."""
    sender.outside.faults.add(
        Fault(side="pagerduty", drop=True, taken=is_taken, times=1)
    )

    with pytest.raises(httpx.TransportError):
        await sender.page()

    assert len(sender.outside.pagerduty.events) == events


async def test_a_slow_side_answers_in_the_end(sender: Sender) -> None:
    """A delay alone changes nothing else."""
    sender.outside.faults.add(Fault(side="pagerduty", delay_s=0.01))

    assert (await sender.page()).status_code == 202


async def test_leaving_does_not_wait_for_a_delay() -> None:
    """A request is done to the end for a sender that hung up, but nobody waits for it."""
    async with sending() as sender:
        sender.outside.faults.add(Fault(side="pagerduty", delay_s=3600, taken=True))
        sender.client.timeout = httpx.Timeout(0.1)
        with pytest.raises(httpx.ReadTimeout):
            await sender.page()

    assert len(sender.outside.pagerduty.events) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"side": "nobody"},
        {"side": "pagerduty", "status": 99},
        {"side": "pagerduty", "delay_s": -1},
        {"side": "pagerduty", "stauts": 500},
    ],
)
async def test_a_fault_that_is_none_is_refused(
    sender: Sender, fault: dict[str, Any]
) -> None:
    """A misspelt fault must not look like a healthy side."""
    assert (await sender.control("POST", "faults", json=fault)).status_code == 400


# Control, and who may


async def test_the_pages_are_shown(sender: Sender) -> None:
    """As people would have seen them, in order."""
    await sender.page()
    await sender.page(dedup_key="fw-2")
    await sender.page("resolve")

    pages = (await sender.control("GET", "pages")).json()

    assert pages[0] == {
        "side": "pagerduty",
        "dedup_key": "fw-1",
        "summary": "fire",
        "severity": "critical",
        "opened_at": "2026-11-23T12:00:00Z",
        "triggers": 1,
        "opens": 1,
        "acknowledged": False,
        "resolved": True,
    }
    assert [page["dedup_key"] for page in pages] == ["fw-1", "fw-2"]


async def test_everything_received_is_shown_without_keys(sender: Sender) -> None:
    """Per side, taken and refused."""
    await sender.page()
    await sender.page(routing_key="x")
    await sender.notify()
    await sender.notify(key=b"another")

    reply = await sender.control("GET", "received")

    received = reply.json()
    assert received["pagerduty"]["events"][0]["body"]["dedup_key"] == "fw-1"
    assert len(received["pagerduty"]["refused"]) == 1
    assert received["webhook"]["deliveries"][0]["id"] == "one"
    assert received["webhook"]["refused"] == ["webhook-signature does not match"]
    assert KEY not in reply.text


@pytest.mark.parametrize("key", [None, "", "wrong"])
@pytest.mark.parametrize("path", ["pages", "received", "faults", "nothing"])
async def test_control_needs_its_key(
    sender: Sender, path: str, key: str | None
) -> None:
    """Nobody else on the machine can read it, or find out what is there."""
    headers = {} if key is None else {"x-control-key": key}

    reply = await sender.client.get(f"/control/{path}", headers=headers)

    assert reply.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}],
)
async def test_pages_of_others_are_kept_out(
    sender: Sender, headers: dict[str, str]
) -> None:
    """A browser on the machine cannot be used against it."""
    reply = await sender.client.post(
        "/pagerduty/v2/enqueue", json=make_event(), headers=headers
    )

    assert reply.status_code == 403
    assert sender.outside.pagerduty.events == []


# The process


def start_process(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "devhost.outside", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def ready_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line: dict[str, Any] = json.loads(process.stdout.readline())
    return line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_says_when_it_is_ready_and_stops_at_once(
    number: signal.Signals,
) -> None:
    """One line on stdout, exit code 0, even while a request is being delayed."""
    with start_process("--webhook-secret", f"portal={SECRET}") as process:
        ready = ready_line(process)
        url = f"http://127.0.0.1:{ready['port']}"
        control = {"x-control-key": ready["control_key"]}
        with httpx.Client(base_url=url, trust_env=False) as client:
            slow = {"side": "pagerduty", "delay_s": 3600}
            client.post("/control/faults", json=slow, headers=control)
            with pytest.raises(httpx.ReadTimeout):
                client.post("/pagerduty/v2/enqueue", json=make_event(), timeout=0.1)

        process.send_signal(number)
        rest, errors = process.communicate(timeout=5)

    assert ready["ready"] == "outside"
    assert (process.returncode, rest, errors) == (0, "", "")


def test_the_process_goes_with_its_parent() -> None:
    """A stand-in that nobody stops does not stay."""
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'devhost.outside',"
        " '--exit-with-parent'], stdout=subprocess.PIPE)\n"
        "sys.stdout.write(child.stdout.readline().decode())\n"
    )
    # This returns once nobody holds stderr any more: the child has it too.
    parent = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
        cwd=ROOT,
    )

    port = json.loads(parent.stdout)["port"]
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)


@pytest.mark.parametrize(
    "arguments", [("--webhook-secret", "portal"), ("--webhook-secret", "p=whsec_x")]
)
def test_a_malformed_secret_stops_the_start(arguments: tuple[str, ...]) -> None:
    """Exit code 2, with the reason on stderr and not the secret."""
    with start_process(*arguments) as process:
        output, errors = process.communicate(timeout=10)

    assert (process.returncode, output) == (2, "")
    assert "whsec_<" in errors
    assert "Traceback" not in errors
