"""The section `on_call` of the policy, and every way it can be wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.model.errors import SettingsError
from shared.oncall.policy import OnCall
from shared.triage.policy import load, warnings

GOOD = """\
responders:
  mail: {use: mail}
  soc: {use: webhook}
routes: [{to: [mail, soc], escalate: high}]
on_call:
  people:
    ana: {name: Ana Lima, contacts: {soc: U0123ABC, mail: ana@example.com}}
    ben: {contacts: {mail: ben@example.com}}
  schedules:
    primary:
      time_zone: Europe/Oslo
      layers:
        - people: [ana, ben]
          starts: 2026-11-02T09:00
          turn: 1d
          until: 2030-01-01T00:00
          hours: [mon-fri 08:00-18:00]
          on_holidays: false
        - {people: [ben], starts: 2026-11-02 09:00}
      overrides:
        - {person: ben, starts: 2026-12-24T09:00, until: 2026-12-27T09:00}
        - {person: ana, starts: 2026-12-27T09:00, until: 2026-12-28T09:00}
      holidays: [2026-12-25]
    backup:
      time_zone: UTC
      feed: {setting: BACKUP_ICAL}
      names: {Ana L.: ana}
  escalations:
    high:
      steps:
        - {to: [primary]}
        - {to: [backup, ana], after: 5m}
        - {to: [soc], after: 15m}
      repeat: 2
      pause: 20m
      hours: [mon-fri 08:00-17:00]
      time_zone: Europe/Oslo
  fallback: [soc]
"""
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def changed(old: str, new: str) -> bytes:
    """The good policy with one change."""
    assert old in GOOD
    return GOOD.replace(old, new, 1).encode()


def test_the_section_is_read_whole() -> None:
    """Wall-clock times have no zone, contacts keep their order."""
    found = load(GOOD.encode()).on_call

    primary, high = found.schedules["primary"], found.escalations["high"]
    assert [*found.people["ana"].contacts] == ["soc", "mail"]
    assert primary.layers[0].starts == datetime.fromisoformat("2026-11-02T09:00")
    assert primary.layers[0].turn == timedelta(days=1)
    assert not primary.layers[0].on_holidays
    assert primary.layers[1].starts == primary.layers[0].starts
    assert primary.layers[1].turn == timedelta(days=7)
    assert primary.holidays == (date(2026, 12, 25),)
    assert found.schedules["backup"].names == {"Ana L.": "ana"}
    assert [step.after for step in high.steps] == [
        timedelta(minutes=minutes) for minutes in (0, 5, 15)
    ]
    assert (high.repeat, high.pause) == (2, timedelta(minutes=20))


def test_nobody_is_on_call_unless_the_policy_says_so() -> None:
    """The section may be left out, and so may each part of it."""
    bare = "responders: {}\nroutes: [{to: []}]\n"

    assert load(bare.encode()).on_call == OnCall()
    assert load(f"{bare}on_call: {{}}".encode()).on_call == OnCall()


@pytest.mark.parametrize(
    ("old", "new", "path", "said"),
    [
        # People.
        ("{mail: ben@example.com}", "{}", "people.ben.contacts", "is empty; name a"),
        (
            "{contacts: {mail: ben@example.com}}",
            "{}",
            "people.ben.contacts",
            "is requi",
        ),
        (
            *("mail: ben@", "mial: ben@", "people.ben.contacts.mial"),
            "no responder is named mial; did you mean mail?",
        ),
        ("ben@example.com", "''", "people.ben.contacts.mail", "expected an address"),
        ("ben@example.com", '"a\\nb"', "people.ben.contacts.mail", "expected an addr"),
        ("    ben:", "    b/n:", "people.<key 2>", "expected 1 to 40"),
        ("    ben:", "    soc:", "people.soc", "is the name of a responder too"),
        # Schedules.
        (
            "    primary:",
            "    mail:",
            "schedules.mail",
            "is the name of a responder too",
        ),
        ("    primary:", "    ana:", "schedules.ana", "is the name of a person too"),
        (
            *("Europe/Oslo\n      layers", "Europe/Olso\n      layers"),
            *(
                "schedules.primary.time_zone",
                "is not a time zone, such as Europe/Oslo or",
            ),
        ),
        ("time_zone: UTC", "zone: UTC", "schedules.backup.time_zone", "is required"),
        (
            "feed: {set",
            "feeed: {set",
            "schedules.backup.layers",
            "expected layers, or a",
        ),
        (
            *("feed: {setting: BACKUP_ICAL}", "feed: https://a.example.com/x"),
            *("schedules.backup.feed", "expected a mapping with setting"),
        ),
        (
            *("      feed:", "      holidays: [2026-12-25]\n      feed:"),
            *("schedules.backup.holidays", "is for layers"),
        ),
        (
            *("      layers:", "      feed: {setting: A}\n      layers:"),
            *("schedules.primary.feed", "expected layers or a feed, not both"),
        ),
        (
            *("      holidays:", "      names: {x: ana}\n      holidays:"),
            *("schedules.primary.names", "is for schedules with a feed"),
        ),
        (
            ": ana}\n  esc",
            ": anna}\n  esc",
            "schedules.backup.names.<key 1>",
            "mean ana?",
        ),
        (
            "[2026-12-25]",
            "[25 December]",
            "schedules.primary.holidays[0]",
            "a date such",
        ),
        (
            "[2026-12-25]",
            "[2026-W52-5]",
            "schedules.primary.holidays[0]",
            "a date such",
        ),
        (
            "[2026-12-25]",
            "[1926-12-25]",
            "schedules.primary.holidays[0]",
            "2000 to 2199",
        ),
        # Layers.
        (
            *("[ana, ben]", "[ana, bem]", "schedules.primary.layers[0].people[1]"),
            "no person is named bem; did you mean ben?",
        ),
        ("[ana, ben]", "[]", "schedules.primary.layers[0].people", "is empty"),
        (
            *("T09:00\n          turn", "T09:00Z\n          turn"),
            *(
                "schedules.primary.layers[0].starts",
                "time of day without a zone, such as",
            ),
        ),
        (
            *("2026-11-02T09:00\n", "2026-11-02\n"),
            *(
                "schedules.primary.layers[0].starts",
                "time of day without a zone, such as",
            ),
        ),
        (
            *("2026-11-02T09:00\n", "0001-11-02T09:00\n"),
            *(
                "schedules.primary.layers[0].starts",
                "expected a year from 2000 to 2199",
            ),
        ),
        (
            "turn: 1d",
            "turn: 59m",
            "schedules.primary.layers[0].turn",
            "an hour at least",
        ),
        (
            "turn: 1d",
            "turn: daily",
            "schedules.primary.layers[0].turn",
            "a duration such",
        ),
        (
            *("until: 2030", "until: 2020", "schedules.primary.layers[0].until"),
            "expected a time after starts",
        ),
        (
            *(
                "[mon-fri 08:00-18:00]",
                "[weekdays]",
                "schedules.primary.layers[0].hours[0]",
            ),
            "expected days, hours or both",
        ),
        # Overrides.
        (
            *("person: ben", "person: soc", "schedules.primary.overrides[0].person"),
            "no person is named soc",
        ),
        (
            *(
                "until: 2026-12-27",
                "until: 2026-12-28",
                "schedules.primary.overrides[1]",
            ),
            "overlaps overrides[0]",
        ),
        (
            *("starts: 2026-12-24", "starts: 2026-12-28"),
            *("schedules.primary.overrides[0].until", "expected a time after starts"),
        ),
        # Escalations.
        (
            *("[backup, ana]", "[bakup, ana]", "escalations.high.steps[1].to[0]"),
            "no person, schedule or responder is named bakup; did you mean backup?",
        ),
        ("[backup, ana]", "[]", "escalations.high.steps[1].to", "is empty"),
        (
            "after: 5m",
            "after: 0m",
            "escalations.high.steps[1].after",
            "more than the step",
        ),
        (
            "after: 15m",
            "after: 5m",
            "escalations.high.steps[2].after",
            "more than the st",
        ),
        ("after: 15m", "after: 8d", "escalations.high.steps[2].after", "at most 7d"),
        ("repeat: 2", "repeat: 10", "escalations.high.repeat", "expected 0 to 9"),
        ("pause: 20m", "pause: 0m", "escalations.high.pause", "above zero"),
        (
            "Europe/Oslo\n",
            "Europe\n",
            "schedules.primary.time_zone",
            "is not a time zone",
        ),
        ("    high:", "    high up:", "escalations.<key 1>", "expected 1 to 40"),
    ],
)
def test_a_mistake_is_named_with_its_path(
    old: str, new: str, path: str, said: str
) -> None:
    """One for each, unless one thing breaks others."""
    with pytest.raises(SettingsError) as caught:
        load(changed(old, new))

    found = [
        p
        for p in caught.value.problems
        if p.startswith(f"policy.yaml: $.on_call.{path}: ")
    ]
    assert len(found) == 1, caught.value.problems
    assert said in found[0]
    assert " (line " in found[0]


@pytest.mark.parametrize(
    "section",
    [
        "7",
        "{people: [], schedules: {a: 1}, escalations: x}",
        "{people: {ana: 1}, schedules: {a: {layers: 1, overrides: [1]}}}",
        "{schedules: {a: {time_zone: UTC, layers: [1], overrides: [{}, {starts: x}]}}}",
        "{escalations: {a: {steps: [1, {to: 1, after: x}]}}}",
        "{people: {1: {contacts: 1}, ana: {contacts: {1: 1}}}}",
    ],
)
@pytest.mark.parametrize("responders", ["{}", "[]", "{mail: {use: mail}}"])
def test_whatever_it_holds_it_is_mistakes(section: str, responders: str) -> None:
    """Each with its path, and nothing else is raised."""
    text = f"responders: {responders}\nroutes: [{{to: []}}]\non_call: {section}"

    with pytest.raises(SettingsError) as caught:
        load(text.encode())

    assert any(": $.on_call" in problem for problem in caught.value.problems)


def test_an_escalation_goes_to_who_is_there() -> None:
    """Without people and schedules there still are responders."""
    text = (
        "responders: {mail: {use: mail}}\nroutes: [{to: [mail]}]\n"
        "on_call: {escalations: {low: {steps: [{to: [mail]}]}}}"
    )

    assert load(text.encode()).on_call.escalations["low"].steps[0].to == ("mail",)


class TestWarnings:
    """What loads, but is hardly meant."""

    def test_a_policy_without_gaps_has_none(self) -> None:
        """Though one of its layers alone would have many."""
        assert warnings(load(GOOD.encode()), NOW) == []

    def test_gaps_of_the_next_four_weeks_are_told(self) -> None:
        """In one line, with the first of them."""
        text = changed("        - {people: [ben], starts: 2026-11-02 09:00}\n", "")

        [found] = warnings(load(text), NOW)

        # Ten hours of each of twenty days are somebody's.
        assert found == (
            "$.on_call.schedules.primary: nobody is on call for 472 of the next 672"
            " hours, first from 2026-11-23T00:00:00.000Z until 2026-11-23T07:00:00.000Z"
        )

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            (
                *("[backup, ana]", "[ana]"),
                "$.on_call.schedules.backup: no escalation names it",
            ),
            (
                *("          on_holidays: false\n", ""),
                "$.on_call.schedules.primary.holidays: every layer has people on",
            ),
            (
                *("      feed: {setting: BACKUP_ICAL}\n      names: {Ana L.: ana}\n",),
                "      layers: [{people: [ana], starts: 2026-11-02T09:00}]\n",
                "",
            ),
        ],
    )
    def test_what_has_no_effect_is_told(self, old: str, new: str, said: str) -> None:
        """A schedule that nobody is escalated to, days that nobody has off."""
        found = warnings(load(changed(old, new)), NOW)

        assert [each[: len(said)] for each in found] == ([said] if said else [])

    def test_a_person_whom_nothing_names_is_told(self) -> None:
        """Unless there is a feed, which may name anybody."""
        cho = "  people:\n    cho: {contacts: {mail: cho@example.com}}\n"
        with_feed = changed("  people:\n", cho).decode()
        without = with_feed.replace(
            "feed: {setting: BACKUP_ICAL}\n      names: {Ana L.: ana}",
            "layers: [{people: [ana], starts: 2026-11-02T09:00}]",
        )

        assert warnings(load(with_feed.encode()), NOW) == []
        assert warnings(load(without.encode()), NOW) == [
            "$.on_call.people.cho: no schedule and no escalation names them"
        ]
