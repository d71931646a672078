"""The sides that may call back, and what each is taken to say."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.answers import jira, jsm, pagerduty, slack
from shared.answers.keys import weakness
from shared.model.secret import Secret, SecretRef

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared.answers.said import Call, Nothing, Said

# What the side made is taken for a secret from so many characters on.
LEAST_SECRET = 16


class Side(NamedTuple):
    """A kind of side. It ``keeps`` a state of its own, which it need not be told of.

    ``resolves`` says whether its end of a notice ends the incident, unless the policy
    says so, ``answer`` the status that says that it was heard.
    """

    read: Callable[[Call], Sequence[Said] | Nothing]
    keeps: bool
    resolves: bool
    answer: HTTPStatus = HTTPStatus.ACCEPTED


# By what a responder of the policy uses. Who presses a button in a chat is known to the
# chat alone (review F14): that resolves nothing unless the policy says so.
SIDES: Mapping[str, Side] = {
    "pagerduty": Side(pagerduty.read, keeps=True, resolves=True),
    "opsgenie": Side(jsm.read, keeps=True, resolves=True),
    "jsm": Side(jsm.read, keeps=True, resolves=True),
    "jira": Side(jira.read, keeps=True, resolves=False),
    # Slack takes 200 alone.
    "slack": Side(slack.read, keeps=False, resolves=False, answer=HTTPStatus.OK),
}


class Listener(NamedTuple):
    """A responder whose side may call back, and by which secrets it is known."""

    use: str
    side: Side
    secrets: tuple[Secret, ...]
    resolves: bool
    acknowledges: str


class Listeners(NamedTuple):
    """Those of the policy by name, and what is wrong with their secrets."""

    found: Mapping[str, Listener]
    problems: tuple[str, ...]


def listeners(
    responders: Mapping[str, Mapping[str, Any]],
    secret: Callable[[SecretRef], Secret | None],
) -> Listeners:
    """Those that have a secret to be known by.

    A setting may hold two secrets with a blank between, for the time of a change.
    """
    found: dict[str, Listener] = {}
    problems: list[str] = []
    for name, given in responders.items():
        use, reference = str(given.get("use")), given.get("callback_secret")
        if use not in SIDES or not isinstance(reference, dict):
            continue
        setting = str(reference.get("setting"))
        value = secret(SecretRef(setting=setting))
        parts = [Secret(part) for part in value.reveal().split()] if value else []
        wrong = [said for part in parts if (said := weakness(part, LEAST_SECRET))]
        if wrong or not parts:
            said = wrong[0] if wrong else "is missing or empty"
            path = f"responders.{name}.callback_secret"
            problems.append(f"{path}: setting {setting} {said}")
            continue
        side = SIDES[use]
        resolves = given.get("resolves", side.resolves) is True
        acknowledges = str(given.get("acknowledges", "owner"))
        found[name] = Listener(use, side, tuple(parts), resolves, acknowledges)
    return Listeners(found, tuple(problems))
