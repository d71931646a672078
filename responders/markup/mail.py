"""An incident as a mail: its text, and its HTML for phones and desktops. Pure."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.model.alert import Severity
from shared.model.incident import IncidentStatus
from shared.model.message import shortened
from shared.model.text import minute

if TYPE_CHECKING:
    from shared.model.link import Link
    from shared.model.message import Message, Section

# Bytes, once escaped: the whole stays below the 102 KB that Gmail shows of a mail.
LINES_SIZE = 64_000
LINKS_SIZE = 15_000

_COLOUR = {
    Severity.HIGH: "#b42318",
    Severity.MEDIUM: "#b54708",
    Severity.LOW: "#175cd3",
    Severity.INFORMATIONAL: "#475467",
}
_OVER = "#067647"

_BREAKS = "overflow-wrap:anywhere;word-break:break-word"
_PILL = (
    "display:inline-block;padding:3px 10px;border-radius:12px;color:#ffffff;"
    "font-size:13px;font-weight:600"
)
_HEADLINE = f"margin:12px 0 4px;font-size:20px;line-height:1.3;color:#101828;{_BREAKS}"
_SMALL = f"margin:0 0 8px;font-size:13px;line-height:1.5;color:#475467;{_BREAKS}"
_TITLE = "margin:20px 0 0;font-size:13px;line-height:1.5;color:#475467"
_LIST = f"margin:6px 0 0;padding:0 0 0 18px;font-size:15px;line-height:1.45;{_BREAKS}"
_ITEM = "margin:0 0 6px"
_ROW = "margin:16px 0 0"
_BUTTON = (
    "display:inline-block;margin:0 8px 8px 0;padding:12px 18px;border-radius:6px;"
    "background:#1849a9;color:#ffffff;font-size:15px;font-weight:600;"
    "text-decoration:none"
)
_LINK = "display:block;margin:0 0 6px;padding:4px 0;font-size:15px;color:#1849a9"
_FOOT = f"margin:24px 0 0;font-size:12px;line-height:1.5;color:#475467;{_BREAKS}"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no">
<title>Firewatch</title>
<style>
:root{{color-scheme:light dark}}
@media (prefers-color-scheme:dark){{
.page{{background:#101216!important}}
.card{{background:#1b1e24!important}}
.ink{{color:#f2f4f7!important}}
.pale{{color:#a9b1bd!important}}
.link{{color:#9dbcff!important}}
}}
</style></head>
<body class="page" style="margin:0;padding:16px 8px;background:#f2f4f7">
<div class="card" style="max-width:600px;margin:0 auto;padding:20px;\
background:#ffffff;color:#101828;border-top:4px solid {colour};\
font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif">
{body}
</div></body></html>
"""


class Mail(NamedTuple):
    """The two forms of one mail."""

    text: str
    html: str


def mail(message: Message, *, footer: str) -> Mail:
    """The mail that tells this; what there is no room for is counted in both forms."""
    told = _fitting(message)
    more = len(message.links) - len(told.links)
    more_links = f"and {more} more link{'' if more == 1 else 's'}" if more else ""
    return Mail(_text(told, more_links, footer), _html(told, more_links, footer))


def _fitting(message: Message) -> Message:
    """As many lines and links as there is room for, the first first."""
    room, links = LINKS_SIZE, []
    for link in message.links:
        room -= len(escape(link.href)) + len(escape(link.text).encode())
        if room < 0:
            break
        links.append(link)
    sections = shortened(
        message.sections, LINES_SIZE, lambda line: len(escape(line).encode())
    )
    return replace(message, links=tuple(links), sections=sections)


def _lines(section: Section) -> list[str]:
    more = [f"and {section.left_out} more"] if section.left_out else []
    return [*section.lines, *more]


def _facts(message: Message) -> str:
    alerts = f"{message.alerts} alert{'' if message.alerts == 1 else 's'}"
    since, last = minute(message.first_seen), minute(message.last_seen)
    when = since if since == last else f"{since} to {last}"
    return (
        f"Incident {message.incident}, {message.status.value}, {alerts}, {when}, "
        f"in {message.scope}"
    )


def _text(message: Message, more_links: str, footer: str) -> str:
    """For those who read no HTML; a URL stands in a line of its own."""
    lines = [message.why, message.headline, _facts(message)]
    for link in message.links:
        lines += ["", f"{link.text}:", link.href]
    if more_links:
        lines += ["", more_links]
    for section in message.sections:
        lines += ["", section.title, *(f"- {line}" for line in _lines(section))]
    return "\n".join([*lines, "", footer])


def _html(message: Message, more_links: str, footer: str) -> str:
    """As most see it: no tables, no pictures, nothing to load.

    Every text goes through ``_element`` and every link through ``_anchor``, which
    escape. Styles are in the elements, since some clients drop all others; those of the
    dark are for clients that do not invert by themselves.
    """
    is_over = message.status is not IncidentStatus.OPEN
    colour = _OVER if is_over else _COLOUR[message.severity]
    offered = [_anchor(link, _BUTTON) for link in message.links if link.verb]
    shown = [_anchor(link, _LINK, "link") for link in message.links if not link.verb]
    parts = [
        _element("span", message.why, f"{_PILL};background:{colour}"),
        _element("h1", message.headline, _HEADLINE, "ink"),
        _element("p", _facts(message), _SMALL, "pale"),
        *_block("div", offered, _ROW),
    ]
    for section in message.sections:
        items = [_element("li", line, _ITEM) for line in _lines(section)]
        parts.append(_element("h2", section.title, _TITLE, "pale"))
        parts += _block("ul", items, _LIST, "ink")
    parts += _block("div", shown, _ROW)
    if more_links:
        parts.append(_element("p", more_links, _SMALL, "pale"))
    parts.append(_element("p", footer, _FOOT, "pale"))
    return _PAGE.format(colour=colour, body="\n".join(parts))


def _element(tag: str, text: str, style: str, kind: str = "") -> str:
    return f"{_opening(tag, style, kind)}{escape(text)}</{tag}>"


def _anchor(link: Link, style: str, kind: str = "") -> str:
    opening = _opening("a", style, kind)[:-1]
    return f'{opening} href="{escape(link.href)}">{escape(link.text)}</a>'


def _block(tag: str, parts: list[str], style: str, kind: str = "") -> list[str]:
    return [_opening(tag, style, kind), *parts, f"</{tag}>"] if parts else []


def _opening(tag: str, style: str, kind: str) -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<{tag}{named} style="{style}">'
