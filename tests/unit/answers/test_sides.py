"""What other sides say, and that they say it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.answers.said import LONGEST_WAY, Does, Nothing, Said
from shared.answers.sides import SIDES, Listeners, listeners
from shared.model.errors import SenderRefused
from shared.model.link import button, pressed
from shared.model.secret import Secret, SecretRef
from tests.fakes import calls
from tests.fakes.calls import KEY, NOW, SECRET, call, encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIGNED = {
    "pagerduty": calls.pagerduty,
    "slack": calls.slack,
    "jira": calls.jira,
    "jsm": calls.jsm,
    "opsgenie": calls.jsm,
}
GOOD = {
    "pagerduty": encoded(calls.incident()),
    "slack": calls.button(button("acknowledge", KEY)),
    "jira": encoded(calls.issue()),
    "jsm": encoded(calls.alert()),
    "opsgenie": encoded(calls.alert()),
}


def hear(side: str, body: bytes, **changes: Any) -> Sequence[Said] | Nothing:  # noqa: ANN401
    """What a side says, signed as it should be."""
    return SIDES[side].read(call(SIGNED[side](body), body, **changes))


def one(side: str, body: bytes, **changes: Any) -> Said:  # noqa: ANN401
    """The one thing that is said."""
    found = hear(side, body, **changes)
    assert not isinstance(found, Nothing), found
    (said,) = found
    return said


class TestProofs:
    """Nothing is heard of whoever cannot prove who they are."""

    def test_signatures_are_those_of_the_sides(self) -> None:
        """The vectors of remote-apis-sinks.md 1.2 and 4."""
        body = b'{"event":{"id":"1","event_type":"incident.acknowledged"}}'
        signature = "33257f6b6ad75b5dac13bd246e845ca5d38330b4ec0a09da3f87910aaec1caf0"
        given = {"x-pagerduty-signature": f"v1={signature}"}
        assert SIDES["pagerduty"].read(call(given, body, "s3cr3t")) == Nothing(
            "not an event as PagerDuty describes it"
        )
        body = b"token=x&payload=%7B%7D"
        signature = "21344dde21f770fa1568dd14def16050065602ebc76cd041eced85b41c2fb19f"
        given = {
            "x-slack-request-timestamp": "1531420618",
            "x-slack-signature": f"v0={signature}",
        }
        at = NOW.fromtimestamp(1_531_420_618, NOW.tzinfo)
        secret = "8f742231b10e8888abcd99yyyzzz85a5"
        assert SIDES["slack"].read(call(given, body, secret, now=at)) == Nothing(
            "not a button of a message"
        )

    @pytest.mark.parametrize("side", SIDES)
    def test_without_proof_nothing_is_heard(self, side: str) -> None:
        """No header, one of another secret, of another body, or none of ours at all."""
        body, read = GOOD[side], SIDES[side].read
        good = SIGNED[side](body)
        bad: list[dict[str, str]] = [{}, SIGNED[side](body, "another-secret-of-theirs")]
        for name, value in good.items():
            bad += [
                good | {name: ""},
                good | {name: value[:-1]},
                good | {name: f"{value}0"},
                good | {name: f"é{value}"},
                good | {name: value.swapcase() + " "},
                {k: v for k, v in good.items() if k != name},
            ]
        for headers in bad:
            with pytest.raises(SenderRefused):
                read(call(headers, body))
        with pytest.raises(SenderRefused):
            read(call(good, body)._replace(secrets=()))

    @pytest.mark.parametrize("side", ["pagerduty", "slack", "jira"])
    def test_a_signature_is_of_its_body(self, side: str) -> None:
        """One byte more, and it is another's."""
        body = GOOD[side]

        with pytest.raises(SenderRefused):
            SIDES[side].read(call(SIGNED[side](body), body + b" "))

    @pytest.mark.parametrize("side", SIDES)
    def test_two_secrets_pass_while_one_is_changed(self, side: str) -> None:
        """Whichever of them the side has."""
        body, other = GOOD[side], "other-secret-of-32-characters-xx"
        for secret in (SECRET, other):
            headers = SIGNED[side](body, secret)
            found = SIDES[side].read(call(headers, body, SECRET, other))
            assert not isinstance(found, Nothing)

    def test_pagerduty_signs_with_both_of_its_secrets(self) -> None:
        """While one is changed there: any of the signatures is enough, blanks or not."""
        body = GOOD["pagerduty"]
        mine = calls.pagerduty(body)["x-pagerduty-signature"]
        header = f"v2=ff, v1={'0' * 64} ,{mine}"

        found = SIDES["pagerduty"].read(call({"x-pagerduty-signature": header}, body))

        assert not isinstance(found, Nothing)

    @pytest.mark.parametrize("seconds", [-301, 301])
    def test_a_button_is_pressed_just_now(self, seconds: int) -> None:
        """A recording of Slack's call is good for five minutes, either way."""
        body = GOOD["slack"]
        late = calls.slack(body, at=NOW - timedelta(seconds=seconds))
        near = calls.slack(body, at=NOW - timedelta(seconds=seconds // 2))

        with pytest.raises(SenderRefused, match="window"):
            SIDES["slack"].read(call(late, body))
        assert not isinstance(SIDES["slack"].read(call(near, body)), Nothing)

    @pytest.mark.parametrize(
        ("side", "body"),
        [
            ("pagerduty", lambda at: encoded(calls.incident(at=at))),
            ("jira", lambda at: encoded(calls.issue(after=at - NOW))),
        ],
    )
    def test_what_is_older_than_two_days_is_a_recording(
        self, side: str, body: Callable[[Any], bytes]
    ) -> None:
        """Its signature is good for ever; its time is signed with it."""
        assert isinstance(
            hear(side, body(NOW - LONGEST_WAY - timedelta(seconds=1))), Nothing
        )
        assert not isinstance(hear(side, body(NOW - LONGEST_WAY)), Nothing)


class TestReading:
    """What is said, of all that can be said."""

    def test_pagerduty(self) -> None:
        """Acknowledged and resolved; what else matters is a comment."""
        found = {
            kind: one("pagerduty", encoded(calls.incident(f"incident.{kind}"))).does
            for kind in ("acknowledged", "resolved", "unacknowledged", "reopened")
        }

        assert found == {
            "acknowledged": Does.ACKNOWLEDGE,
            "resolved": Does.RESOLVE,
            "unacknowledged": Does.COMMENT,
            "reopened": Does.COMMENT,
        }
        said = one("pagerduty", GOOD["pagerduty"])
        assert (said.name, said.key, said.who) == ("01ABC", KEY, "Ana Example")
        assert one("pagerduty", encoded(calls.incident(who=None))).who == ""
        other = hear("pagerduty", encoded(calls.incident("incident.escalated")))
        assert other == Nothing("an event of another type")

    def test_pagerdutys_own_test_is_heard(self) -> None:
        """Send Test Event, as their page has it: a ping without an incident."""
        ping = calls.incident("pagey.ping")
        ping["event"]["data"] = {"message": "Hello", "type": "ping"}

        assert isinstance(hear("pagerduty", encoded(ping)), Nothing)

    def test_slack(self) -> None:
        """Each button of ours; who pressed it is known by Slack's id."""
        body = calls.button(button("acknowledge", KEY), "x", button("resolve", KEY))

        found = hear("slack", body)

        assert not isinstance(found, Nothing)
        assert [(said.does, said.key) for said in found] == [
            (Does.ACKNOWLEDGE, KEY),
            (Does.RESOLVE, KEY),
        ]
        assert len({said.name for said in found}) == 2
        assert {said.who for said in found} == {"U123 ana"}
        for value in ("", "approve x", "comment x", f"resolve  {KEY}", f"{KEY}"):
            assert isinstance(hear("slack", calls.button(value)), Nothing), value

    def test_jira(self) -> None:
        """A status that is done, an owner, and what people write."""
        status = {"field": "status", "toString": "x"}
        owner = {"field": "assignee", "toString": "Bob"}
        done = one("jira", GOOD["jira"])
        assert (done.does, done.key, done.note) == (Does.RESOLVE, KEY, "SEC-12 is Done")
        assert (done.who, done.thing, done.at) == ("Ana Example", "SEC-12 status", NOW)
        open_: dict[str, Any] = {
            "status": "To Do",
            "category": "new",
            "items": (status,),
        }
        work: dict[str, Any] = {
            "status": "Doing",
            "category": "indeterminate",
            "items": (status,),
        }
        cases: tuple[tuple[dict[str, Any], str, Does], ...] = (
            (open_, "progress", Does.COMMENT),
            (work, "progress", Does.ACKNOWLEDGE),
            (work, "owner", Does.COMMENT),
            ({"items": (owner,)}, "owner", Does.ACKNOWLEDGE),
            ({"items": (owner,)}, "never", Does.COMMENT),
            ({"items": ({"field": "assignee"},)}, "owner", Does.COMMENT),
        )
        for fields, acknowledges, does in cases:
            body = encoded(calls.issue(**fields))
            assert one("jira", body, acknowledges=acknowledges).does is does, fields
        both = hear("jira", encoded(calls.issue(items=(status, owner))))
        assert not isinstance(both, Nothing)
        assert len({said.name for said in both}) == 2

    def test_jiras_comments(self) -> None:
        """What people write is a comment; what we wrote is no news."""
        said = {"body": "ruled out\nby ops", "author": {"displayName": "Bob"}}
        ours = said | {"body": f"New incident\n\nFirewatch notice {'0' * 32}\n"}
        event: dict[str, Any] = {"webhookEvent": "comment_created", "items": ()}

        found = one("jira", encoded(calls.issue(comment=said, **event)))

        assert found.does is Does.COMMENT
        assert (found.who, found.note) == ("Bob", "SEC-12: ruled out by ops")
        for comment in (ours, {"body": {"type": "doc"}}, {"body": ""}, {}):
            body = encoded(calls.issue(comment=comment, **event))
            assert isinstance(hear("jira", body), Nothing), comment

    def test_what_our_own_account_does_in_jira_is_no_news(self) -> None:
        """It made the issue: a transition of it is our own doing come back."""
        mine = {"accountId": "557", "displayName": "Firewatch"}

        assert isinstance(hear("jira", encoded(calls.issue(user=mine))), Nothing)

    @pytest.mark.parametrize(
        "labels", [(), ("security",), (KEY, KEY.replace("a", "b")), (f"x{KEY}",)]
    )
    def test_an_issue_is_known_by_one_label(self, labels: tuple[str, ...]) -> None:
        """With none of ours it is not ours; with two it is anybody's guess."""
        assert isinstance(hear("jira", encoded(calls.issue(labels=labels))), Nothing)

    def test_jsm(self) -> None:
        """Acknowledge and Close; notes are comments, all else is theirs."""
        found = {
            action: one("jsm", encoded(calls.alert(action, note="a note"))).does
            for action in ("Acknowledge", "Close", "UnAcknowledge", "AddNote")
        }

        assert found == {
            "Acknowledge": Does.ACKNOWLEDGE,
            "Close": Does.RESOLVE,
            "UnAcknowledge": Does.COMMENT,
            "AddNote": Does.COMMENT,
        }
        said = one("jsm", GOOD["jsm"])
        assert (said.key, said.who) == (KEY, "ana@example.com")
        for action in ("Create", "Escalate", "AddNote"):
            assert isinstance(hear("jsm", encoded(calls.alert(action))), Nothing)

    @pytest.mark.parametrize("side", SIDES)
    def test_the_same_is_known_again(self, side: str) -> None:
        """By its own name; another has another."""
        first, again = hear(side, GOOD[side]), hear(side, GOOD[side])

        assert not isinstance(first, Nothing)
        assert first == again

    @pytest.mark.parametrize("side", SIDES)
    def test_names_are_harmless(self, side: str) -> None:
        """One plain line that closes no bracket, whoever calls themselves so."""
        evil = "source)\n\u202e(entra:x) https://evil.example " + "x" * 500
        body = {
            "pagerduty": encoded(calls.incident(who=evil)),
            "slack": calls.button(button("acknowledge", KEY), name=evil),
            "jira": encoded(calls.issue(user={"displayName": evil})),
        }.get(side, encoded(calls.alert(username=evil)))

        who = one(side, body).who

        assert not {*"()\n\u202e"} & {*who}
        assert "https://" not in who
        assert len(who) <= 80 + len("U123 ")


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    *("event", "id", "event_type", "occurred_at", "data", "agent"),
                    *("issue", "fields", "labels", "timestamp", "changelog", "items"),
                    *("action", "alert", "type", "user", "actions", "key", "comment"),
                ]
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=20,
)


@given(st.sampled_from([*SIDES]), st.one_of(st.binary(max_size=200), JSON))
def test_an_odd_body_that_was_proved_is_heard(side: str, value: object) -> None:
    """It is answered as heard, whatever it holds: no error comes of it."""
    body = value if isinstance(value, bytes) else encoded(value)

    assert isinstance(hear(side, body), Nothing)


@given(st.sampled_from([*SIDES]), st.data())
def test_a_body_that_is_nearly_right_is_heard(side: str, data: st.DataObject) -> None:
    """With a part of it cut out or put in."""
    body = GOOD[side]
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, len(body)))
    more = data.draw(st.binary(max_size=5))

    hear(side, body[:start] + more + body[end:])


class TestListeners:
    """Who may call back, by the policy."""

    @staticmethod
    def found(value: str | None, **given: Any) -> Listeners:  # noqa: ANN401
        """The listeners of a policy with one responder."""
        raw = {"callback_secret": {"setting": "CALLBACK"}, **given}

        def secret(ref: SecretRef) -> Secret | None:
            assert ref.setting == "CALLBACK"
            return Secret(value) if value else None

        return listeners({"on-call": raw}, secret)

    def test_a_secret_opens_the_door(self) -> None:
        """What is taken of a side by itself, and what the policy says."""
        found = self.found(SECRET, use="pagerduty").found["on-call"]
        assert (found.resolves, found.acknowledges) == (True, "owner")
        assert self.found(SECRET, use="slack").found["on-call"].resolves is False
        ticket = self.found(SECRET, use="jira", resolves=True, acknowledges="never")
        assert ticket.found["on-call"].resolves is True
        assert ticket.found["on-call"].acknowledges == "never"
        both = self.found(f"{SECRET} {SECRET}2", use="jira").found["on-call"]
        assert len(both.secrets) == 2

    def test_without_one_nobody_is_heard(self) -> None:
        """Of a kind that never calls, or one that has no secret in the policy."""
        assert self.found(SECRET, use="webhook") == ({}, ())
        assert self.found(SECRET, use="pagerduty", callback_secret=None) == ({}, ())

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (None, "is missing or empty"),
            ("abcde", "is shorter than 16"),
            (f"{SECRET} abcde", "is shorter than 16"),
            (f"é{SECRET}", "printable ASCII"),
        ],
    )
    def test_what_is_no_secret_is_named(self, value: str | None, said: str) -> None:
        """By health; nobody is heard by it, and its value is not repeated."""
        found = self.found(value, use="pagerduty")

        assert found.found == {}
        (problem,) = found.problems
        assert problem.startswith(
            "responders.on-call.callback_secret: setting CALLBACK"
        )
        assert said in problem
        assert value is None or value not in problem


def test_a_button_says_what_it_was_given() -> None:
    """As long as Slack takes (2,000 characters), and nothing else is ours."""
    value = button("acknowledge", KEY)

    assert pressed(value) == ("acknowledge", KEY)
    assert len(value) < 150
    for other in ("", " ", f"{value}\n", f"{value} x", "a b c", f"A {KEY}"):
        assert pressed(other) is None
