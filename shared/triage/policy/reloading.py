"""What of a policy may change while the app runs, and what may not (review F12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec.structs import replace

from shared.oncall.policy import OnCall
from shared.triage.policy import between, reading
from shared.triage.policy.document import Document, Problem, mistakes
from shared.triage.policy.schema import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from shared.actions.routing import Route

# Whom to tell, of what not, and who is on call. Whatever could loosen a guard, or reach
# somebody new, comes with the deployment, since the app's own identity may write blobs.
LIVE = ("routes", "suppress", "on_call")


class Reloaded(NamedTuple):
    """The deployed policy with new live sections.

    ``ignored`` are the paths of the others, where they say something else than it.
    """

    policy: Policy
    ignored: tuple[str, ...]


def reload(found: Document, deployed: Policy) -> tuple[Reloaded | None, list[str]]:
    """The live sections of a document, over a deployed policy; or all its mistakes.

    A section that it leaves out is the deployed one. Mistakes in what does not reload
    are no more than a difference.
    """
    given = found.value
    if not isinstance(given, dict):
        return None, [f"$: expected a mapping with {' or '.join(LIVE)}"]
    raw = _raw(given, deployed)
    # Routes may begin escalations that are deployed.
    names = {"on_call": {"escalations": deployed.on_call.escalations}} | raw
    policy, problems = reading.convert(raw, Policy, each=between.references(names))
    if policy is not None and "routes" not in given:
        problems += _cut_off(deployed.routes, policy.on_call, given)
    said = mistakes(found, problems)
    if policy is None or said:
        return None, said
    live = {name: getattr(policy, name) for name in LIVE if name in given}
    ignored = [f"$.{n}" for n in _FIXED if n in given and _differs(given, n, deployed)]
    if _names_others(given.get("on_call"), deployed):
        ignored.append("$.on_call.people")
    return Reloaded(replace(deployed, **live), tuple(ignored)), []


_FIXED = tuple(n for n in Policy.__struct_encode_fields__ if n not in LIVE)


def _raw(given: Mapping[str, Any], deployed: Policy) -> dict[str, Any]:
    """What is given of the live sections, and what they need of the deployed policy."""
    raw: dict[str, Any] = {
        # What each is: routes tell those that tell, and no other.
        "responders": {
            name: {"use": settings.get("use")}
            for name, settings in deployed.responders.items()
        },
        "routes": [{"to": []}],
        **{n: v for n, v in given.items() if n in LIVE or n not in _FIXED},
    }
    if isinstance(raw.get("on_call"), dict):
        # Whom there is to reach is the deployment's to say; who has it when, is not.
        people = msgspec.to_builtins(deployed.on_call.people)
        raw["on_call"] = {**raw["on_call"], "people": people}
    return raw


def _cut_off(
    routes: Iterable[Route], on_call: OnCall, given: Mapping[str, Any]
) -> Iterator[Problem]:
    """Escalations that deployed routes begin, and that are taken away from them."""
    begun = {route.escalate: None for route in routes if route.escalate}
    for name in begun if "on_call" in given else ():
        if name not in on_call.escalations:
            said = f"a deployed route begins {name}, which is not among them"
            yield Problem("$.on_call.escalations", said)


def _differs(given: Mapping[str, Any], name: str, deployed: Policy) -> bool:
    raw = {
        "responders": deployed.responders,
        "routes": [{"to": []}],
        name: given[name],
    }
    policy, _ = reading.convert(raw, Policy)
    return policy is None or getattr(policy, name) != getattr(deployed, name)


def _names_others(on_call: Any, deployed: Policy) -> bool:  # noqa: ANN401  YAML's
    if not isinstance(on_call, dict) or "people" not in on_call:
        return False
    given, _ = reading.convert({"people": on_call["people"]}, OnCall)
    return given is None or given.people != deployed.on_call.people
