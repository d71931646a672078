"""Takes a request for a link's page from its bytes to the page."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from shared import telemetry
from shared.answers import forms, pages
from shared.answers.links import PARAMETER, SIGNED_IN
from shared.answers.state import HOURS
from shared.answers.token import Refusal, Token, verified
from shared.answers.words import NOT_YOURS
from shared.api import who
from shared.model.errors import (
    CommandRefused,
    SenderRefused,
    SettingsError,
    StoreConflict,
    StoreUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.answers.keys import Keys
    from shared.answers.links import Links
    from shared.answers.pages import Page
    from shared.answers.state import Sight
    from shared.bootstrap import App

# Some mail gateways escape what stands in a link already, and escape that once more.
MOST_ESCAPED = 2

POST = "POST"


class Asked(NamedTuple):
    """A request as it came; header names in lower case.

    ``route`` is the one it came by: where anybody may, or where people are signed in.
    """

    method: str
    route: str
    headers: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: bytes = b""


class Followed(NamedTuple):
    """A link that is good, and who follows it: nobody knows, or who is signed in."""

    token: Token
    text: str
    keys: Keys
    person: str


class Pages:
    """Shows what a link is for, and does it when somebody presses the button there.

    Only POST changes anything: mail and chat follow links by themselves.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, asked: Asked) -> Page:
        """The page."""
        try:
            return await self._page(asked)
        except SenderRefused as error:
            telemetry.emit(telemetry.SENDER_REFUSED, reason=str(error))
            return pages.failed(HTTPStatus.UNAUTHORIZED)
        except (SettingsError, StoreConflict, StoreUnavailable) as error:
            telemetry.emit(telemetry.REQUEST_PUT_OFF, reason=str(error))
            return pages.failed(HTTPStatus.SERVICE_UNAVAILABLE)

    async def _page(self, asked: Asked) -> Page:
        links = await self._app.links()
        found = self._followed(asked, links)
        if isinstance(found, Refusal):
            if asked.method == POST:
                telemetry.emit(telemetry.ANSWER_REFUSED, reason=found.value)
            return pages.refused(found)
        if found.token.verb.is_of_deed and not await self._may_decide(asked):
            telemetry.emit(telemetry.ANSWER_REFUSED, reason=NOT_YOURS)
            return pages.failed(HTTPStatus.FORBIDDEN, NOT_YOURS)
        answering = await self._app.answering()
        nonce = forms.nonce(found.keys, found.text, found.person)
        if asked.method != POST:
            return pages.of_sight(await answering.look(found.token), nonce)
        link = found.token.jti
        wrong = forms.refusal(
            asked.headers,
            asked.body,
            keys=found.keys,
            text=found.text,
            person=found.person,
            origin=links.origin,
        )
        if wrong is not None:
            telemetry.emit(telemetry.ANSWER_REFUSED, reason=wrong.phrase, link=link)
            return pages.failed(wrong)
        try:
            hours = _hours(asked.body)
            sight = await answering.act(found.token, found.person, hours)
        except CommandRefused as error:
            telemetry.emit(telemetry.ANSWER_REFUSED, reason=str(error), link=link)
            return pages.failed(HTTPStatus.CONFLICT, f"{error}. Nothing was changed.")
        _tell(sight)
        return pages.of_sight(sight, nonce)

    async def _may_decide(self, asked: Asked) -> bool:
        """Whether whoever is signed in is one of those that the policy names."""
        guards = (await self._app.policy()).guards
        ids = who.ids(asked.headers, easy_auth=True)
        return bool(ids & {each.lower() for each in guards.approvers})

    def _followed(self, asked: Asked, links: Links) -> Followed | Refusal:
        """What a request brings that may be looked at; raises SenderRefused."""
        if links.keys is None:
            return Refusal.BAD
        text = _text(asked.query)
        now = self._app.clock()
        token = verified(text, links.keys, now=now, aud=links.audience)
        if isinstance(token, Refusal):
            return token
        # What needs a person is looked at where the platform vouches for one, only.
        if token.verb.needs_person is not (asked.route == SIGNED_IN):
            return Refusal.BAD
        person = ""
        if token.verb.needs_person:
            if not links.sign_in:
                return Refusal.BAD
            person = who.sender(asked.headers, easy_auth=True)
        return Followed(token, text, links.keys, person)


def _hours(body: bytes) -> int:
    """How long it is to be silent: what the page offered, the shortest unless chosen."""
    given = forms.read(body).get(forms.HOURS, "")
    return next((hours for hours in HOURS if str(hours) == given), HOURS[0])


def _tell(sight: Sight) -> None:
    """What came of a button; the link goes by its name, never as it is."""
    is_refused = isinstance(sight.state, Refusal)
    event = telemetry.ANSWER_REFUSED if is_refused else telemetry.ANSWER_GIVEN
    telemetry.emit(
        event,
        incident=sight.head.id if sight.head else None,
        verb=sight.token.verb.value,
        state=sight.state.value,
        link=sight.token.jti,
    )


def _text(query: Mapping[str, Sequence[str]]) -> str:
    """The token as it was sent; nothing where it stands there twice."""
    given = query.get(PARAMETER, ())
    text = given[0] if len(given) == 1 else ""
    for _ in range(MOST_ESCAPED):
        text = unquote(text)
    return text
