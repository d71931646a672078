"""Every responder of the table, held to the same promises in both worlds."""

from __future__ import annotations

import logging
import re
import traceback
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from responders import DOERS, RESPONDERS
from responders.forwards.records import records
from shared.model.action import Kind, Occasion, Verb
from shared.model.errors import (
    FirewatchError,
    PermanentFailure,
    ResponderError,
    TransientFailure,
)
from shared.model.evidence import EvidenceStatus
from shared.model.guards import FORWARDS
from shared.model.incident import IncidentStatus
from tests.conformance.kit import (
    CASES,
    HOSTILE,
    NASTY,
    SIDE,
    FakeWorld,
    OutsideWorld,
    World,
    hostile_evidence,
    hostile_incident,
    outside_world,
    planned,
    request_problems,
    secrets,
)
from tests.factories import NOON, make_evidence, make_incident

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.model.action import Action

ROOT = Path(__file__).parents[2]
NAMES = sorted(RESPONDERS)
FORWARDERS = [n for n in NAMES if RESPONDERS[n].kind is Kind.FORWARD]
# Only of those that tell people: what opens a notice, what closes it.
of_notices = pytest.mark.parametrize(
    "name", [n for n in NAMES if n not in FORWARDERS], indirect=True
)
# Only of those whose side answers.
of_http = pytest.mark.parametrize(
    "name", [n for n in NAMES if CASES[n].is_http], indirect=True
)
of_forwards = pytest.mark.parametrize("name", FORWARDERS, indirect=True)
# What servers say.
SPOKEN = (
    *(200, 201, 202, 204, 206, 302, 304, 400, 401, 403, 404, 405, 408, 409, 410),
    *(412, 413, 415, 422, 425, 429, 451, 500, 501, 502, 503, 504, 507, 599),
)
# What Retry-After may ask for, and how long in seconds is waited then.
WAITS = {
    "7": 7,
    "0": 1,
    "3601": 3600,
    "9" * 50: 3600,
    format_datetime(NOON + timedelta(seconds=90), usegmt=True): 90,
    format_datetime(NOON - timedelta(days=90), usegmt=True): 1,
    format_datetime(NOON + timedelta(days=90), usegmt=True): 3600,
    "soon": None,
    "-5": None,
    "1.5": None,
    "": None,
    None: None,
}
FINAL = (IncidentStatus.RESOLVED, IncidentStatus.MERGED)


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fake(name: str) -> FakeWorld:
    return FakeWorld(name)


@pytest.fixture(params=["fake", "outside"])
async def world(request: pytest.FixtureRequest, name: str) -> AsyncIterator[World]:
    if request.param == "fake":
        yield FakeWorld(name)
    else:
        async with outside_world(name) as outside:
            yield outside


async def opening(world: World) -> Action:
    [action] = await planned(world, make_incident())
    return action


def identities(world: World, name: str) -> int:
    """How many notices the other side was told of, as it tells them apart."""
    return len({str(CASES[name].identity(sent)) for sent in world.told})


async def attempt(world: World, action: Action) -> Any:  # noqa: ANN401 - any of three
    """What came of it: an outcome, or the failure."""
    try:
        return await world.responder.apply(action)
    except ResponderError as failure:
        return failure


# Planning


@of_notices
async def test_an_open_incident_is_opened(fake: FakeWorld) -> None:
    """An open incident wants one notice: that it was opened."""
    actions = await fake.responder.plan(make_incident())

    assert [(a.verb, a.occasion) for a in actions] == [(Verb.TRIGGER, Occasion.OPENED)]


@of_notices
@pytest.mark.parametrize("status", FINAL)
async def test_an_ended_incident_is_resolved_under_the_same_dedup_key(
    fake: FakeWorld, status: IncidentStatus
) -> None:
    """The end of an incident acts on what its opening made, by another key."""
    opened, ended = await fake.responder.plan(make_incident(status=status))

    assert (opened.verb, ended.verb) == (Verb.TRIGGER, Verb.RESOLVE)
    assert ended.occasion == status.value
    assert ended.dedup_key == opened.dedup_key
    assert ended.key != opened.key


@of_notices
async def test_a_successor_opens_nothing_and_ends_what_its_root_opened(
    fake: FakeWorld,
) -> None:
    """Growing past the caps does not notify again, and the keys stay the root's."""
    [opened] = await fake.responder.plan(make_incident())
    successor = make_incident(id="inc-2", root="inc-1")

    while_open = await fake.responder.plan(successor)
    [ended] = await fake.responder.plan(
        msgspec.structs.replace(successor, status=IncidentStatus.RESOLVED)
    )

    assert list(while_open) == []
    assert ended.verb is Verb.RESOLVE
    assert ended.dedup_key == opened.dedup_key


@of_forwards
@pytest.mark.parametrize("status", IncidentStatus)
async def test_every_incident_is_forwarded_by_itself(
    fake: FakeWorld, status: IncidentStatus
) -> None:
    """Whatever becomes of it, and whatever root or epoch it has: under one key."""
    [first] = await fake.responder.plan(make_incident())
    [again] = await fake.responder.plan(make_incident(status=status, epoch=2))
    [other] = await fake.responder.plan(make_incident(id="inc-2", root="inc-1"))

    assert (first.verb, first.occasion) == (Verb.FORWARD, Occasion.RECORDED)
    assert first.key == again.key
    assert first.key != other.key
    assert "inc-2" in other.dedup_key


@of_forwards
async def test_every_record_arrives_and_bears_its_keys(
    fake: FakeWorld, name: str
) -> None:
    """The incident, what was done, the audit trail, the evidence; and what it cost."""
    [action] = await planned(fake, make_incident(), [make_evidence()])
    assert action.dossier is not None

    outcome = await fake.responder.apply(action)

    whole = b"".join(CASES[name].opened(sent) for sent in fake.sent).decode()
    keys = {each.key for each in records(action, action.dossier)}
    assert len(keys) == 5
    assert [key for key in keys if key not in whole] == []
    traffic = outcome.traffic
    assert traffic is not None
    assert traffic.records >= len(keys)
    assert traffic.calls == len(fake.told)
    # Where events are no one body, the fake has a line end between them.
    between = sum(len(sent.body) for sent in fake.told) - traffic.bytes
    assert 0 <= between < traffic.records


async def test_an_incident_that_was_never_active_opens_nothing(fake: FakeWorld) -> None:
    """Alerts that came closed tell nobody anything."""
    assert list(await fake.responder.plan(make_incident(was_active=False))) == []


@of_notices
async def test_a_reopened_incident_notifies_again(fake: FakeWorld) -> None:
    """A higher epoch gives other keys."""
    [first] = await fake.responder.plan(make_incident())
    [second] = await fake.responder.plan(make_incident(epoch=2))

    assert (first.key, first.dedup_key) != (second.key, second.dedup_key)
    assert first.dedup_key != second.dedup_key


@pytest.mark.parametrize("status", IncidentStatus)
async def test_planning_does_no_io_and_repeats_itself(
    fake: FakeWorld, status: IncidentStatus
) -> None:
    """A plan sends nothing, is the same each time, and can be shown as JSON."""
    incident = make_incident(status=status)

    first = await fake.responder.plan(incident)
    second = await fake.responder.plan(incident)

    assert fake.sent == []
    assert list(first) == list(second)
    assert msgspec.json.encode(first)


async def test_evidence_is_in_what_opens_and_in_no_key(
    fake: FakeWorld, name: str
) -> None:
    """A notice says what logs say and what they do not; it is the same notice."""
    if CASES[name].is_mute:
        return
    said = make_evidence(reading="3 operations by mallory.")
    lacking = make_evidence(
        "host-logons", status=EvidenceStatus.UNAVAILABLE, reason="timeout", reading=""
    )
    [plain] = await fake.responder.plan(make_incident())

    [told] = await planned(fake, make_incident(), [said, lacking])

    assert (told.key, told.dedup_key) == (plain.key, plain.dedup_key)
    await fake.responder.apply(told)
    opened = CASES[name].opened
    sent = b"".join(opened(sent) for sent in fake.told).decode()
    assert "3 operations by mallory." in sent
    assert "timeout" in sent


# Applying


@of_http
async def test_every_status_is_accepted_transient_or_permanent(
    world: World, name: str
) -> None:
    """408, 425, 429 and 5xx may be sent again, what is not accepted otherwise not.

    Every status where there is no network, and where there is one those that matter.
    """
    action = await opening(world)

    is_real = isinstance(world, OutsideWorld)
    for status in SPOKEN if is_real else range(200, 600):
        world.answers(status)
        result = await attempt(world, action)

        if status in CASES[name].accepted:
            assert not isinstance(result, ResponderError), status
        elif status in {408, 425, 429} or status >= 500:
            assert isinstance(result, TransientFailure), status
        else:
            assert isinstance(result, PermanentFailure), status


@of_http
async def test_retry_after_is_honoured_within_bounds(world: World) -> None:
    """Seconds and dates are clamped to a second and an hour; what is neither is not."""
    action = await opening(world)

    for status in (429, 503):
        for asked, waits_s in WAITS.items():
            world.answers(status, retry_after=asked)

            failure = await attempt(world, action)

            waits = None if waits_s is None else timedelta(seconds=waits_s)
            assert failure.retry_after == waits, (status, asked)


async def test_no_answer_is_transient(world: World) -> None:
    """A side that does not answer in time may have acted: reason timeout."""
    action = await opening(world)
    world.hangs()

    failure = await attempt(world, action)

    assert isinstance(failure, TransientFailure)
    assert failure.reason == "timeout"


async def test_a_dropped_connection_is_transient(world: World) -> None:
    """A connection that breaks is reason unavailable."""
    action = await opening(world)
    world.drops()

    failure = await attempt(world, action)

    assert isinstance(failure, TransientFailure)
    assert failure.reason == "unavailable"


async def test_applying_twice_counts_once(world: World, name: str) -> None:
    """The same action has the same identity on the wire and one effect."""
    action = await opening(world)

    first = await attempt(world, action)
    second = await attempt(world, action)

    if CASES[name].tells_repeats:
        assert first == second
        assert identities(world, name) == 1
        assert world.effects() == 1
    else:
        bodies = [CASES[name].opened(sent) for sent in world.told]
        assert [action.key.encode() in body for body in bodies] == [True] * len(bodies)
        assert len(bodies) >= 2


async def test_applying_again_after_a_lost_answer_counts_once(
    world: World, name: str
) -> None:
    """What was taken while the answer got lost is not done a second time."""
    if not CASES[name].tells_repeats:
        return
    action = await opening(world)
    world.drops()
    await attempt(world, action)

    outcome = await attempt(world, action)

    assert not isinstance(outcome, ResponderError)
    assert world.effects() == 1


@of_notices
async def test_opening_and_ending_are_both_taken(world: World, name: str) -> None:
    """The two notices of an incident are two to the other side."""
    actions = await planned(world, make_incident(status=IncidentStatus.RESOLVED))

    opened = await world.responder.apply(actions[0])
    ended = msgspec.structs.replace(actions[1], reference=opened.reference)
    await world.responder.apply(ended)

    assert identities(world, name) == 2


async def test_a_notice_can_be_readdressed(world: World, name: str) -> None:
    """The request is made from the action's dedup_key, which the core may replace."""
    actions = await planned(world, make_incident(status=IncidentStatus.MERGED))
    action = msgspec.structs.replace(actions[-1], dedup_key="fw-another")

    await world.responder.apply(action)

    if CASES[name].is_mute:
        return
    opened = CASES[name].opened
    whole = "".join(f"{unquote(s.url)} {opened(s).decode()}" for s in world.sent)
    assert re.search(r"\bfw-another\b", whole)
    assert actions[-1].dedup_key not in whole


# What must not get out, or in


async def test_no_secret_shows(
    world: World, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither plans, outcomes, errors, their tracebacks, logs nor reprs hold one."""
    caplog.set_level(logging.DEBUG)
    seen = [repr(world.responder)]
    actions = await planned(world, make_incident(status=IncidentStatus.RESOLVED))
    seen.append(repr(actions))

    for action in actions:
        for status in (200, 202, 302, 400, 401, 404, 410, 429, 500, 503):
            world.answers(status, retry_after=CASES[name].seeded[0])
            seen += shown(await attempt(world, action))
        world.hangs()
        seen += shown(await attempt(world, action))
        world.drops()
        seen += shown(await attempt(world, action))

    seen += [repr(record.__dict__) + record.getMessage() for record in caplog.records]
    everything = "\n".join(seen)
    assert [secret for secret in CASES[name].seeded if secret in everything] == []


def test_secrets_are_held_as_secrets(fake: FakeWorld, name: str) -> None:
    """What looks into a responder, as a debugger or a crash report may, sees stars."""
    held = repr(vars(fake.responder))

    assert [value for value in secrets(name, SIDE).values() if value in held] == []


def shown(result: Any) -> list[str]:  # noqa: ANN401 - any of three
    texts = [repr(result), str(result)]
    if isinstance(result, FirewatchError):
        texts += traceback.format_exception(result)
    return texts


async def test_hostile_text_arrives_harmless_at_the_other_side(name: str) -> None:
    """It is taken, some texts at a time; caps hold, nothing unseen, nothing to follow."""
    async with outside_world(name) as world:
        for start in range(0, len(HOSTILE), 4):
            texts = HOSTILE[start : start + 4]
            incident = replace(hostile_incident(*texts), id=f"inc-{start}")
            incident = replace(incident, root=incident.id)
            action, *_ = await planned(world, incident, hostile_evidence(*texts))

            await world.responder.apply(action)

        assert world.sent
        for sent in world.sent:
            assert request_problems(sent, CASES[name]) == []


async def test_five_hundred_nasty_texts_arrive_harmless(
    fake: FakeWorld, name: str
) -> None:
    """Markup, mentions, links and templates, in one another; a dozen at a time."""
    assert len(NASTY) >= 500
    for start in range(0, len(NASTY), 12):
        texts = NASTY[start : start + 12]
        for verb in (IncidentStatus.OPEN, IncidentStatus.RESOLVED):
            incident = replace(hostile_incident(*texts), status=verb)
            fake.sent.clear()
            for action in await planned(fake, incident, hostile_evidence(*texts)):
                await fake.responder.apply(action)
            for sent in fake.sent:
                assert request_problems(sent, CASES[name]) == [], texts


@given(text=st.text())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_any_text_arrives_harmless(fake: FakeWorld, name: str, text: str) -> None:
    """No text of an alert breaks the request."""
    fake.sent.clear()
    action, *_ = await planned(fake, hostile_incident(text), hostile_evidence(text))

    await fake.responder.apply(action)

    assert fake.sent
    for sent in fake.sent:
        assert request_problems(sent, CASES[name]) == []


async def test_nothing_of_an_incident_gets_into_headers_or_url(fake: FakeWorld) -> None:
    """What an alert says is in the body, where the sink's own encoding holds it."""
    plain_action = await opening(fake)
    await fake.responder.apply(plain_action)
    [hostile_action] = await planned(fake, hostile_incident("h0st1le"))
    await fake.responder.apply(hostile_action)

    for sent in fake.sent:
        assert "h0st1le" not in f"{sent.url} {dict(sent.headers)}"


# The table


def test_every_responder_module_is_in_the_table_and_has_a_case() -> None:
    """A responder that is not in the table, or not tested, does not exist."""
    files = {path.stem for path in (ROOT / "responders").glob("*.py")}

    modules = {
        responder.__module__.removeprefix("responders.")
        for responder in (*RESPONDERS.values(), *DOERS.values())
    }
    assert modules == files - {"__init__", "base"}
    assert CASES.keys() == RESPONDERS.keys()


def test_the_policy_knows_who_forwards() -> None:
    """Without importing any of them."""
    assert {*FORWARDERS} == FORWARDS


def test_every_responder_has_a_unit_test(name: str) -> None:
    """Tests mirror the code."""
    module = RESPONDERS[name].__module__.removeprefix("responders.")

    tests = ROOT / "tests/unit/responders"
    # Where there is much to test, by what it is about.
    assert [*tests.glob(f"test_{module}.py"), *tests.glob(f"test_{module}_*.py")]


def test_every_responder_is_documented(name: str) -> None:
    """Its section names every setting, and the policy in it is one that loads."""
    page = (ROOT / "docs/responders.md").read_text(encoding="utf-8")
    [section] = re.findall(
        rf"^## {name}$(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE
    )
    config = RESPONDERS[name].Config

    [snippet] = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    [given] = yaml.safe_load(snippet)["responders"].values()
    assert given.pop("use") == name
    assert isinstance(msgspec.convert(given, config), config)
    for field in config.__struct_fields__:
        assert f"`{field}`" in section


def test_unknown_settings_are_refused(name: str) -> None:
    """A misspelt setting is an error, not a default."""
    given = CASES[name].settings("https://side.example") | {"rooting_key": "x"}

    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(given, RESPONDERS[name].Config)
