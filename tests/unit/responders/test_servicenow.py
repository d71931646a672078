"""What becomes of an incident there, at a stand-in that is as strict as ServiceNow."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from devhost.outside import Outside
from responders.servicenow import ServiceNow
from responders.tickets import OVERLAP
from shared.clouds.http import HttpClient
from shared.model.action import Outcome
from shared.model.alert import Severity
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    SettingsError,
    TransientFailure,
)
from shared.model.http import Reply
from shared.model.ticket import Stage
from tests.conformance.kit import hostile_incident
from tests.factories import make_incident
from tests.fakes.clock import Clock
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports
from tests.unit.responders.tickets import (
    DEDUP_KEY,
    acknowledging,
    ending,
    opening,
    read,
    telling_news,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devhost.outside.servicenow import Incident
    from responders.tickets import Goal
    from shared.model.http import Http

SYS_ID = "0123456789abcdef0123456789abcdef"
SECRETS = {"PASSWORD": "s3cret", "CLIENT": "cl1ent-secret"}
USER: dict[str, Any] = {
    "url": "https://contoso.service-now.com",
    "user": "firewatch",
    "password": {"setting": "PASSWORD"},
}
CLIENT: dict[str, Any] = {
    "url": "https://contoso.service-now.com",
    "client_id": "5f1d2c3b4a",
    "client_secret": {"setting": "CLIENT"},
}
CLOSES: dict[str, Any] = {"close": True, "close_code": "Solution provided"}


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


@pytest.fixture
async def there() -> AsyncIterator[Instance]:
    clock, http = Clock(), HttpClient()
    async with Outside.start(clock=clock) as outside:
        try:
            yield Instance(outside, http, clock)
        finally:
            await http.close()


# Opening


async def test_an_incident_is_an_incident_there_with_its_key(there: Instance) -> None:
    """Title, text, urgency and impact by severity, and fields of the policy."""
    servicenow = there.servicenow(
        assignment_group="Security",
        impact={"high": 2},
        fields={"category": "Security"},
    )

    outcome = await servicenow.apply(await opening(servicenow))

    assert outcome == Outcome(reference=there.incident.sys_id)
    fields = there.incident.fields
    assert fields["correlation_id"] == DEDUP_KEY
    assert (fields["urgency"], fields["impact"]) == ("1", "2")
    assert fields["assignment_group"] == "Security"
    assert fields["category"] == "Security"
    assert fields["short_description"].startswith("High: Possible web shell detected")
    assert "What happened:\n- Possible web shell" in fields["description"]


async def test_a_severity_that_the_policy_leaves_out_is_low(there: Instance) -> None:
    """Priority needs both of them."""
    servicenow = there.servicenow(urgency={"high": 1})

    incident = make_incident(severity=Severity.MEDIUM)
    await servicenow.apply(await opening(servicenow, incident))

    fields = there.incident.fields
    assert (fields["urgency"], fields["impact"]) == ("3", "2")


async def test_a_repeat_finds_the_incident(there: Instance) -> None:
    """Be it closed meanwhile: the notice is about that one and no other."""
    servicenow = there.servicenow()
    action = await opening(servicenow)
    first = await servicenow.apply(action)
    await there.person(state="7", close_code="x", close_notes="y")

    assert await servicenow.apply(action) == first
    assert len(there.outside.servicenow.incidents) == 1


async def test_a_condition_that_was_dropped_finds_nothing_of_ours() -> None:
    """Then the query gives every incident there is; none of them is taken."""
    other = b'{"result":[{"sys_id":"' + b"f" * 32 + b'","correlation_id":""}]}'
    made = b'{"result":{"sys_id":"' + SYS_ID.encode() + b'"}}'
    http = FakeHttp(
        Reply(status=200, headers={}, body=other),
        Reply(status=201, headers={}, body=made),
    )
    servicenow = make_servicenow(http)

    outcome = await servicenow.apply(await opening(servicenow))

    assert outcome == Outcome(reference=SYS_ID)


async def test_a_sleeping_instance_is_asked_again_later() -> None:
    """It answers 200 with a page; nothing is made on the word of that."""
    http = FakeHttp(default=Reply(status=200, headers={}, body=b"<html>Hibernating"))
    servicenow = make_servicenow(http)

    with pytest.raises(TransientFailure):
        await servicenow.apply(await opening(servicenow))

    assert len(http.sent) == 1


async def test_texts_fit_however_long_they_were(there: Instance) -> None:
    """What is longer would be cut there without a word, in the middle of anything."""
    servicenow = there.servicenow()

    long = hostile_incident("x" * 600)
    await servicenow.apply(await opening(servicenow, long))

    fields = there.incident.fields
    assert len(fields["short_description"]) == 160
    assert fields["short_description"].endswith("…")
    last = fields["description"].splitlines()[-1]
    assert last.startswith("Firewatch notice ")
    assert " more" in fields["description"]


@pytest.mark.parametrize(
    "text", ["[code]<b>x</b>[/code]", "[CODE]x[ / Code ]", "[co[code]de]x"]
)
async def test_no_text_has_journals_render_html(there: Instance, text: str) -> None:
    """Whatever would switch it on is taken apart."""
    servicenow = there.servicenow()

    await servicenow.apply(await opening(servicenow, hostile_incident(text)))

    seen = there.incident.fields["description"].lower().replace(" ", "")
    assert "[code]" not in seen
    assert "[/code]" not in seen


# Telling and moving


async def test_news_is_a_work_note_once(there: Instance) -> None:
    """A notice that is sent again finds the note that it made."""
    servicenow = there.servicenow()
    opened = await servicenow.apply(await opening(servicenow))
    news = await telling_news(servicenow, opened.reference)

    await servicenow.apply(news)
    await servicenow.apply(news)

    [note] = there.notes
    assert "- New resource: vm-web-02" in note
    assert there.incident.changes == 1


async def test_the_end_of_what_was_never_opened_is_nothing(there: Instance) -> None:
    """No incident is made to be closed."""
    servicenow = there.servicenow(**CLOSES)

    assert await servicenow.apply(await ending(servicenow, "")) == Outcome()
    assert there.outside.servicenow.incidents == {}


@pytest.mark.parametrize(("progress", "state"), [(False, "1"), (True, "2"), ("3", "3")])
async def test_an_acknowledgement_sets_the_state_of_the_policy(
    there: Instance, progress: Goal, state: str
) -> None:
    """And says who works on it in any case."""
    servicenow = there.servicenow(progress=progress)
    opened = await servicenow.apply(await opening(servicenow))

    await servicenow.apply(await acknowledging(servicenow, opened.reference))

    [note] = there.notes
    assert "Acknowledged by ada at 2026-11-23T12:00:00.000Z: looking" in note
    assert there.incident.fields["state"] == state


async def test_work_that_is_on_hold_stays_so(there: Instance) -> None:
    """True asks for any state of work."""
    servicenow = there.servicenow(progress=True)
    opened = await servicenow.apply(await opening(servicenow))
    await there.person(state="3")

    await servicenow.apply(await acknowledging(servicenow, opened.reference))

    assert there.incident.fields["state"] == "3"


@pytest.mark.parametrize(("close", "state"), [(True, "6"), ("7", "7")])
async def test_the_end_closes_with_what_the_data_policy_asks_for(
    there: Instance, close: Goal, state: str
) -> None:
    """Code and notes; the note says who ended it. Once, however often it is sent."""
    servicenow = there.servicenow(close=close, close_code="Solution provided")
    opened = await servicenow.apply(await opening(servicenow))
    end = await ending(servicenow, opened.reference)

    await servicenow.apply(end)
    await servicenow.apply(end)

    fields = there.incident.fields
    assert (fields["state"], fields["close_code"]) == (state, "Solution provided")
    assert "Resolved by ada" in fields["close_notes"]
    assert len(there.notes) == 1


async def test_what_people_closed_stays_as_they_left_it(there: Instance) -> None:
    """Neither an acknowledgement nor an end of ours changes its state."""
    servicenow = there.servicenow(progress=True, **CLOSES)
    opened = await servicenow.apply(await opening(servicenow))
    await there.person(state="8")

    await servicenow.apply(await acknowledging(servicenow, opened.reference))
    await servicenow.apply(await ending(servicenow, opened.reference))

    assert there.incident.fields["state"] == "8"


# Reading


async def test_what_is_new_there_is_read(there: Instance) -> None:
    """State, owner, and what people wrote, be it for the customer or not."""
    servicenow = there.servicenow()
    opened = await servicenow.apply(await opening(servicenow))
    await there.person(assigned_to="Grace Hopper", state="2")
    await there.person(work_notes="It is us.")
    await there.person(comments="Sorry.")

    found = (await read(servicenow, {opened.reference: ""}))[opened.reference]

    assert (found.stage, found.owner) == (Stage.IN_PROGRESS, "Grace Hopper")
    assert found.name == "INC0000001"
    assert [(each.by, each.text) for each in found.remarks] == [
        ("grace", "It is us."),
        ("grace", "Sorry."),
    ]
    assert len({each.id for each in found.remarks}) == 2


@pytest.mark.parametrize("state", ["6", "7", "8"])
async def test_a_closed_state_is_one_that_the_policy_names(
    there: Instance, state: str
) -> None:
    """The base system has three."""
    servicenow = there.servicenow()
    opened = await servicenow.apply(await opening(servicenow))
    await there.person(state=state, close_code="x", close_notes="y")

    found = await read(servicenow, {opened.reference: ""})

    assert found[opened.reference].stage is Stage.CLOSED


async def test_a_version_that_is_known_is_nothing_new(there: Instance) -> None:
    """Nor is an older one."""
    servicenow = there.servicenow()
    opened = await servicenow.apply(await opening(servicenow))
    await there.person(work_notes="It is us.")
    version = (await read(servicenow, {opened.reference: ""}))[opened.reference].version

    assert version.startswith("1/")
    assert await read(servicenow, {opened.reference: version}) == {}
    newer = version.replace("1/", "2/", 1)
    assert await read(servicenow, {opened.reference: newer}) == {}


async def test_notes_of_ours_do_not_come_back(there: Instance) -> None:
    """Those of people do, and only those since."""
    servicenow = there.servicenow()
    opened = await servicenow.apply(await opening(servicenow))
    await there.person(work_notes="first")
    there.clock.step(OVERLAP)
    await there.person(assigned_to="Grace Hopper")
    version = (await read(servicenow, {opened.reference: ""}))[opened.reference].version
    there.clock.step(timedelta(seconds=1))
    await servicenow.apply(await telling_news(servicenow, opened.reference))
    await there.person(work_notes="second")

    found = await read(servicenow, {opened.reference: version})

    assert [each.text for each in found[opened.reference].remarks] == ["second"]


async def test_an_account_that_may_not_read_the_journal_reads_the_state(
    there: Instance,
) -> None:
    """What people write does not come back, and all else does."""
    there.outside.servicenow.hides_journal = True
    servicenow = there.servicenow()
    opened = await servicenow.apply(await opening(servicenow))
    await there.person(work_notes="unheard", state="2")

    found = (await read(servicenow, {opened.reference: ""}))[opened.reference]

    assert (found.stage, found.remarks) == (Stage.IN_PROGRESS, ())


async def test_many_incidents_are_read_a_hundred_at_once() -> None:
    """What is no sys_id goes into no query."""
    http = FakeHttp(default=Reply(status=200, headers={}, body=b'{"result":[]}'))
    known = {f"{number:032x}": "" for number in range(150)} | {"x^ORstate=1": ""}

    await read(make_servicenow(http), known)

    queries = [parse_qs(urlsplit(sent.url).query) for sent in http.sent]
    asked = [query["sysparm_query"][0] for query in queries]
    assert [len(text.split(",")) for text in asked] == [100, 50]
    assert not any("^OR" in text for text in asked)


# Signing in


async def test_a_client_signs_in_once_for_many_requests(there: Instance) -> None:
    """And again when its token is about to end."""
    servicenow = there.servicenow(CLIENT)
    opened = await servicenow.apply(await opening(servicenow))
    await servicenow.apply(await telling_news(servicenow, opened.reference))
    assert len(there.outside.servicenow.tokens) == 1

    there.clock.step(timedelta(minutes=29))
    await servicenow.apply(await acknowledging(servicenow, opened.reference))

    assert len(there.outside.servicenow.tokens) == 2


async def test_a_token_that_is_taken_back_costs_one_attempt(there: Instance) -> None:
    """The attempt after that signs in anew."""
    servicenow = there.servicenow(CLIENT)
    opened = await servicenow.apply(await opening(servicenow))
    there.outside.servicenow.tokens.clear()
    news = await telling_news(servicenow, opened.reference)

    with pytest.raises(TransientFailure) as caught:
        await servicenow.apply(news)
    await servicenow.apply(news)

    assert caught.value.reason is FailureReason.AUTH
    assert len(there.notes) == 1


async def test_a_client_that_is_refused_is_refused_for_good() -> None:
    """Its secret is in no header, URL or message."""
    http = FakeHttp(default=Reply(status=401, headers={}, body=b"cl1ent-secret"))
    servicenow = make_servicenow(http, CLIENT)

    with pytest.raises(PermanentFailure) as caught:
        await servicenow.apply(await opening(servicenow))

    [sent] = http.sent
    assert sent.url.endswith("/oauth_token.do")
    assert b"client_secret=cl1ent-secret" in sent.body
    assert "cl1ent" not in f"{caught.value} {sent.headers}"


@pytest.mark.parametrize("expires", ["1799", 1799, "soon", "-1", 10**40])
async def test_the_time_of_a_token_is_read_as_it_is_meant(expires: object) -> None:
    """Some releases write it as a text; what is none lasts for one request."""
    granted = msgspec.json.encode({"access_token": "t", "expires_in": str(expires)})
    http = FakeHttp(
        Reply(status=200, headers={}, body=granted),
        default=Reply(status=200, headers={}, body=b'{"result":[]}'),
    )
    servicenow = make_servicenow(http, CLIENT)

    assert await servicenow.apply(await ending(servicenow, "")) == Outcome()


@pytest.mark.parametrize("token", ["a\r\nx-evil: 1", "tök"])
async def test_a_token_that_is_no_header_is_none(token: str) -> None:
    """What the other side says goes into a header only if it fits there."""
    granted = msgspec.json.encode({"access_token": token, "expires_in": 1799})
    http = FakeHttp(default=Reply(status=200, headers={}, body=granted))
    servicenow = make_servicenow(http, CLIENT)

    with pytest.raises(TransientFailure):
        await servicenow.apply(await opening(servicenow))

    assert len(http.sent) == 1


# Settings


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "http://contoso.example"}, "url"),
        ({"password": None}, "user"),
        ({"user": ""}, "user"),
        ({"user": "a:b"}, "user"),
        ({"client_id": "x"}, "user"),
        ({"urgency": {"high": 4}}, "urgency"),
        ({"impact": {"high": 0}}, "impact"),
        ({"fields": {"state": "1"}}, "fields"),
        ({"close": True}, "close_code"),
        ({"close": "9", "close_code": "x"}, "close"),
        ({"progress": "6"}, "progress"),
    ],
)
def test_a_mistake_is_named(changes: dict[str, Any], field: str) -> None:
    """With its path, and no value of it."""
    with pytest.raises(SettingsError) as caught:
        make_servicenow(FakeHttp(), **changes)

    [problem] = caught.value.problems
    assert problem.startswith(f"responders.desk.{field}")


@pytest.mark.parametrize("name", ["", "ABC", "../x", SYS_ID + "/x"])
async def test_a_reference_that_is_none_goes_into_no_url(name: str) -> None:
    """What is kept of the other side is checked before it is used."""
    http = FakeHttp(default=Reply(status=200, headers={}, body=b'{"result":[]}'))
    servicenow = make_servicenow(http)
    action = replace(await telling_news(servicenow, SYS_ID), reference=name)

    if name:
        with pytest.raises(PermanentFailure):
            await servicenow.apply(action)
        assert http.sent == []
    else:
        assert await servicenow.apply(action) == Outcome()
