"""The pages that links lead to: small, without script, readable on a phone at night.

What they show of an incident is its message (``shared.actions.rendering``), which is
hostile text: ``filled`` is the one place where text becomes HTML.
"""

from __future__ import annotations

import html
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from shared.actions import rendering
from shared.answers.state import HOURS, LINK, State
from shared.answers.style import CSS
from shared.answers.token import Refusal, Verb
from shared.answers.words import FAILED, REFUSED, TOO_MUCH, WORDS, Words
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.answers.state import Sight
    from shared.model.deed import DeedRow
    from shared.model.incident import Incident, Mark

TITLE = 300
LINE = 200
MOST_TOUCHED = 5

# remote-apis-sinks.md 19.7. The style is the page's own, and nothing else is loaded.
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
        " frame-ancestors 'none'; base-uri 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}


_STATUS = {Refusal.BAD: HTTPStatus.NOT_FOUND}


class Page(NamedTuple):
    """A page, and the status that it is sent with."""

    status: HTTPStatus
    html: str


class Markup(str):
    """A text that is HTML already."""

    __slots__ = ()


def filled(template: str, **values: str) -> Markup:
    """The template with each value escaped, unless it is markup already."""
    return Markup(
        template.format_map(
            {
                name: value if isinstance(value, Markup) else html.escape(value)
                for name, value in values.items()
            }
        )
    )


def of_sight(sight: Sight, nonce: str) -> Page:
    """The page of a link that was verified, with a form where there is one to send."""
    parts = [_facts(sight.head)] if sight.head else []
    words = WORDS[sight.token.verb]
    match sight.state:
        case State.READY:
            parts += [*_asked(sight, words)]
            if sight.token.verb is Verb.SILENCE and not sight.matchers:
                parts.append(_paragraph(TOO_MUCH))
            else:
                parts.append(_form(sight, words, nonce))
            return page(HTTPStatus.OK, words.ask, parts)
        case State.DONE:
            parts.insert(0, _paragraph(_who(sight.mark), "good"))
            if sight.until is not None:
                parts.append(_paragraph(f"Until {_time(sight.until)}."))
            return page(HTTPStatus.OK, words.done, parts)
        case State.ALREADY:
            parts.insert(0, _paragraph(_who(sight.mark)))
            return page(HTTPStatus.OK, words.already, parts)
        case _:
            return refused(sight.state, sight.mark, parts)


def refused(
    why: Refusal, mark: Mark | None = None, parts: Iterable[Markup] = ()
) -> Page:
    """The page of a link that does nothing, and who did what it is for."""
    title, said = REFUSED[why]
    lines = [_paragraph(_who(mark))] if mark else []
    status = _STATUS.get(why, HTTPStatus.GONE)
    return page(status, title, [_paragraph(said), *lines, *parts])


def failed(status: HTTPStatus, said: str = "") -> Page:
    """The page that says why it could not be done; ``said`` in place of the usual."""
    title, usual = FAILED.get(
        status, ("That cannot be done", f"{status.phrase}. Nothing was changed.")
    )
    return page(status, title, [_paragraph(said or usual)])


def page(status: HTTPStatus, title: str, parts: Iterable[Markup]) -> Page:
    """A whole page."""
    body = Markup("".join(parts))
    return Page(status, filled(_PAGE, title=title, body=body, css=Markup(CSS)))


def _facts(head: Incident) -> Markup:
    """What the incident is, in the words of the notice."""
    said = rendering.message(head)
    rows = {
        "Resource": said.component or said.resource,
        "Severity": said.severity.capitalize(),
        "Alerts": str(said.alerts),
        "Since": _time(said.first_seen),
        "Incident": said.incident,
    }
    lines = [
        filled("<dt>{name}</dt><dd>{value}</dd>", name=name, value=plain(value, LINE))
        for name, value in rows.items()
    ]
    return filled(
        '<section class="{severity}"><h2>{headline}</h2><dl>{rows}</dl></section>',
        severity=said.severity.value,
        headline=plain(said.headline, TITLE),
        rows=Markup("".join(lines)),
    )


def _asked(sight: Sight, words: Words) -> list[Markup]:
    parts = [_paragraph(words.means)]
    if sight.deed is not None:
        parts.append(_deed(sight.deed))
    if sight.token.verb is Verb.SILENCE:
        items = [filled("<li>{m}</li>", m=plain(m, LINE)) for m in sight.matchers]
        parts.append(filled("<ul>{items}</ul>", items=Markup("".join(items))))
    return parts


def _deed(row: DeedRow) -> Markup:
    """What would be done, to what, why a person is asked, and how it is taken back."""
    deed = row.deed
    items = [
        deed.says,
        *(f"Touches {each}" for each in deed.resources[:MOST_TOUCHED]),
        *(finding.why for finding in row.findings),
        _end(row) if deed.reversible else "It cannot be taken back",
    ]
    lines = [filled("<li>{m}</li>", m=plain(item, LINE)) for item in items]
    return filled("<ul>{items}</ul>", items=Markup("".join(lines)))


def _end(row: DeedRow) -> str:
    if row.lasts is None:
        return "It holds until somebody takes it back"
    return f"It is taken back after {row.lasts // timedelta(minutes=1)} minutes"


def _form(sight: Sight, words: Words, nonce: str) -> Markup:
    """Without an address: it is sent to where the page came from, token and all."""
    choice = Markup("")
    if sight.token.verb is Verb.SILENCE:
        options = [
            filled(_OPTION, hours=str(n), said=f"{n} hour{'' if n == 1 else 's'}")
            for n in HOURS
        ]
        choice = filled(_CHOICE, options=Markup("".join(options)))
    return filled(_FORM, nonce=nonce, choice=choice, button=words.button)


def _paragraph(said: str, kind: str = "") -> Markup:
    return filled('<p class="{kind}">{said}</p>', kind=kind, said=said)


def _who(mark: Mark | None) -> str:
    if mark is None:
        return "Nobody knows by whom."
    if mark.by.startswith(f"{LINK}:"):
        to = plain(mark.by.partition(":")[2], LINE)
        return f"By a link that was sent to {to}, {_time(mark.at)}."
    said = f": {plain(mark.note, LINE)}" if mark.note else ""
    return f"By {plain(mark.by, LINE)}, {_time(mark.at)}{said}."


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>{title} - Firewatch</title>
<style>{css}</style>
</head>
<body>
<header>Firewatch</header>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""

_FORM = """<form method="post">
<input type="hidden" name="nonce" value="{nonce}">
{choice}<button type="submit">{button}</button>
<p class="small">Opening this page changed nothing; only the button does.</p>
</form>"""

_CHOICE = "<fieldset><legend>For how long?</legend>{options}</fieldset>"

_OPTION = (
    '<label><input type="radio" name="hours" value="{hours}" required> {said}</label>'
)
