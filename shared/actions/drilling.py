"""Page tests: what their notices go by in place of the policy's routes. Pure.

Each target is an escalation of its own, of one step, so that a notice says which target
it is for; and each contact of a person is somebody of their own, so that all of them are
told and not the first alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.oncall.policy import Escalation, Person, Step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.actions.routing import Rules
    from shared.oncall.policy import OnCall


def rules_of(
    drill: Sequence[str], by: Rules, on_duty: Mapping[str, Sequence[str]]
) -> Rules:
    """The rules of a page test for these targets.

    ``on_duty`` says who has each schedule among them.
    """
    steps = {name: _reached(name, by.on_call, on_duty) for name in drill}
    on_call = replace(
        by.on_call,
        people={
            contact_of(name, responder): Person(contacts={responder: address})
            for name, person in by.on_call.people.items()
            for responder, address in person.contacts.items()
        },
        schedules={},
        escalations={
            name: Escalation(steps=(Step(to=to),)) for name, to in steps.items()
        },
        fallback=(),
    )
    return by._replace(
        routing=lambda _: (), escalations=lambda _: tuple(steps), on_call=on_call
    )


def contact_of(person: str, responder: str) -> str:
    """The name of one contact of a person; no name of a policy has a slash."""
    return f"{person}/{responder}"


def _reached(
    name: str, on_call: OnCall, on_duty: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    people = on_duty[name] if name in on_call.schedules else (name,)
    if name not in on_call.schedules and name not in on_call.people:
        return (name,)
    return tuple(
        contact_of(each, responder)
        for each in people
        if each in on_call.people
        for responder in on_call.people[each].contacts
    )
