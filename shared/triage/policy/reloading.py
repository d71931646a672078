"""What of a policy may change while the app runs, and what may not (review F12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from shared.triage.policy import reading, rules
from shared.triage.policy.document import Document, mistakes
from shared.triage.policy.schema import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

# Whom to tell, and of what not. Whatever could loosen a guard, or reach somebody new,
# comes with the deployment, since the app's own identity may write blobs.
LIVE = ("routes", "suppress")


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
    raw = {
        "responders": {name: {} for name in deployed.responders},
        "routes": [{"to": []}],
        **{n: v for n, v in given.items() if n in LIVE or n not in _FIXED},
    }
    policy, problems = reading.convert(raw, Policy, each=rules.references(raw))
    said = mistakes(found, problems)
    if policy is None or said:
        return None, said
    live = {name: getattr(policy, name) for name in LIVE if name in given}
    ignored = [name for name in _FIXED if name in given]
    return (
        Reloaded(
            replace(deployed, **live),
            tuple(f"$.{n}" for n in ignored if _differs(given[n], n, deployed)),
        ),
        [],
    )


_FIXED = tuple(n for n in Policy.__struct_encode_fields__ if n not in LIVE)


def _differs(value: object, name: str, deployed: Policy) -> bool:
    raw: Mapping[str, Any] = {"responders": {}, "routes": [{"to": []}], name: value}
    policy, _ = reading.convert(raw, Policy)
    return policy is None or getattr(policy, name) != getattr(deployed, name)
