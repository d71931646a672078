"""What the pages of links say."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

from shared.answers.token import Refusal, Verb


class Words(NamedTuple):
    """What is said of a verb."""

    ask: str
    button: str
    done: str
    already: str
    means: str


WORDS = {
    Verb.ACKNOWLEDGE: Words(
        "Acknowledge this incident?",
        "Acknowledge",
        "Acknowledged",
        "It is acknowledged already",
        "Everybody who is told of it sees that somebody works on it.",
    ),
    Verb.RESOLVE: Words(
        "Resolve this incident?",
        "Resolve",
        "Resolved",
        "It is resolved already",
        "It is over: whoever was told of it is told so. More alerts open another one.",
    ),
    Verb.SILENCE: Words(
        "Silence this incident?",
        "Silence",
        "Silenced",
        "It is silenced already",
        "For that long nobody is told of these kinds of alerts on these resources.",
    ),
    Verb.APPROVE: Words(
        "Let this be done?",
        "Approve",
        "Approved",
        "It is decided already",
        "It is done within a minute or two, as it stands here, unless a guard refuses it.",
    ),
    Verb.DENY: Words(
        "Keep this from being done?",
        "Deny",
        "Denied",
        "It is decided already",
        "It is not done for this incident, and nobody is asked again.",
    ),
}

NOT_YOURS = "This is for people whom the policy names as approvers."

TOO_MUCH = "It holds too much to be silenced from here."

# Of links that are refused: what is said, and what to do.
REFUSED = {
    Refusal.BAD: (
        "This link does not work",
        "It was cut or changed on its way, or is not one of ours. Nothing was changed.",
    ),
    Refusal.EXPIRED: (
        "This link has expired",
        "Links work for a day. Nothing was changed.",
    ),
    Refusal.USED: (
        "This link was used already",
        "Each works once. Nothing was changed now.",
    ),
    Refusal.OTHER: (
        "This link is for something else by now",
        "The incident was opened again, or is gone. A newer message has newer links.",
    ),
    Refusal.ENDED: ("This incident is over", "Nothing was changed."),
}

FAILED = {
    HTTPStatus.UNAUTHORIZED: (
        "Sign in first",
        "This needs somebody who is signed in with an account of your organisation.",
    ),
    HTTPStatus.FORBIDDEN: (
        "That did not come from this page",
        "Nothing was changed. Open the link, and press the button on its page.",
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "Not now",
        "Firewatch cannot reach its storage. Try again in a moment.",
    ),
}
