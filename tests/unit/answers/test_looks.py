"""Pages as a browser has them: hostile text stays text."""

from __future__ import annotations

import re
from datetime import timedelta
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.answers import pages
from shared.answers.state import Sight, State
from shared.answers.style import CSS
from shared.answers.token import Refusal, Token, Verb
from shared.model.incident import Incident, Mark
from tests.factories import NOON, make_incident, make_problem
from tests.fakes.browser import Seen

# remote-apis-sinks.md 20, and what is alive in HTML.
HOSTILE = (
    "<script>alert(1)</script>",
    "</section><form action=https://evil.example><button>Sign in</button></form>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "<!-- ",
    "]]><![CDATA[",
    "<?php echo 1 ?>",
    "</title><base href=//evil.example>",
    "</style><link rel=stylesheet href=//evil.example>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "{title}{body}{css}{0}{x.__class__}",
    "%s %(x)s $x ${x}",
    "javascript:alert(1)",
    "\u202e<script>\u2028\x00\ud800",
    "&" * 5_000,
    "<" * 5_000,
)

VERBS = st.sampled_from(Verb)
STATES = st.sampled_from([*State, *Refusal])
TEXT = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(), max_size=60))


def token(verb: Verb = Verb.ACKNOWLEDGE, hint: str = "ana") -> Token:
    """A token; only its verb shows."""
    return Token(
        jti="j", inc="i", epoch=1, verb=verb, exp=0, aud="h", hint=hint, via="soc"
    )


def incident(text: str = "harmless") -> Incident:
    """An incident all of whose texts are the same."""
    return make_incident(
        id="0d9eeb301d377b52",
        scope=text,
        problems={"fp": make_problem(title=text, alert_type=text)},
        resources=(text,),
        tactics=(text,),
    )


def sight(
    text: str,
    verb: Verb = Verb.SILENCE,
    state: State | Refusal = State.READY,
    by: str = "",
) -> Sight:
    """What a link meets, full of a text."""
    return Sight(
        token(verb, hint=text),
        state,
        incident(text),
        Mark(by=by or text, at=NOON, note=text),
        (text, text),
        NOON + timedelta(hours=1),
    )


def shape(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """The elements of a page and the names of their attributes, without values."""
    return [(tag, tuple(attrs)) for tag, attrs in Seen(text).elements]


@given(TEXT, VERBS, STATES)
def test_no_text_becomes_markup(text: str, verb: Verb, state: State | Refusal) -> None:
    """The elements of a page do not depend on what an incident or a person says."""
    page = pages.of_sight(sight(text, verb, state), nonce=text)
    plain = pages.of_sight(sight("harmless", verb, state), nonce="n")

    assert shape(page.html) == shape(plain.html)
    assert Seen(page.html).others == Seen(plain.html).others == []
    assert page.status == plain.status
    linked = pages.of_sight(sight(text, verb, state, f"link:{text}"), nonce=text)
    assert shape(linked.html) == shape(plain.html)


@pytest.mark.parametrize("text", HOSTILE[:14])
def test_a_text_is_shown_as_it_is(text: str) -> None:
    """What a person reads is what the attacker wrote, not what it was made into."""
    found = Seen(pages.of_sight(sight(text), nonce="n").html)

    assert text.partition("https:")[0].strip()[:40] in found.text


@given(TEXT)
def test_a_nonce_comes_back_as_it_is(text: str) -> None:
    """As the value of its field, whatever is in it."""
    page = pages.of_sight(sight("x"), nonce=text)

    (value,) = (
        given["value"]
        for tag, given in Seen(page.html).elements
        if given.get("name") == "nonce"
    )
    # HTML knows no NUL, and CR LF is one line end.
    assert value == text or {"\x00", "\r", "\ud800"} & {*text}


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("state", [*State, *Refusal])
def test_every_page_stands_alone(verb: Verb, state: State | Refusal) -> None:
    """No script, no resource from elsewhere, no address at all; a language and a title."""
    page = pages.of_sight(sight("x", verb, state), nonce="n")
    seen = Seen(page.html)

    attributes = {name for _, given in seen.elements for name in given}
    assert attributes <= {
        *("lang", "charset", "name", "content", "class", "method", "type", "value"),
        "required",
    }
    assert not re.search(r"url\(|@import|https?:", page.html + CSS)
    assert seen.tags.count("h1") == seen.tags.count("title") == 1
    assert ("html", {"lang": "en"}) in seen.elements
    assert page.html.startswith("<!doctype html>")
    is_form = state is State.READY
    assert ("form" in seen.tags) is is_form
    assert len(page.html.encode()) < 8_000


@pytest.mark.parametrize("state", [*State, *Refusal])
def test_each_state_has_a_status(state: State | Refusal) -> None:
    """404 for what was altered, 410 for what is over (remote-apis-sinks.md 19.9)."""
    page = pages.of_sight(sight("x", state=state), nonce="n")

    expected = HTTPStatus.OK if isinstance(state, State) else HTTPStatus.GONE
    assert page.status == (HTTPStatus.NOT_FOUND if state is Refusal.BAD else expected)


def test_what_cannot_be_silenced_has_no_button() -> None:
    """And the page says why."""
    page = pages.of_sight(sight("x")._replace(matchers=()), nonce="n")

    assert "too much to be silenced" in Seen(page.html).text
    assert "form" not in Seen(page.html).tags


def _luminance(colour: str) -> float:
    """Of sRGB, as WCAG 2.2 reckons it."""
    digits = colour.lstrip("#")
    digits = digits if len(digits) == 6 else "".join(c * 2 for c in digits)
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_can_be_read_in_light_and_in_dark() -> None:
    """7:1 for text, 4.5:1 for the button, on both grounds."""
    for scheme in CSS.split("@media")[0:2]:
        found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+);", scheme))
        for ground in ("ground", "card"):
            for text in ("text", "faint", "good"):
                assert _contrast(found[text], found[ground]) >= 7, (text, ground)
        assert _contrast(found["on-act"], found["act"]) >= 4.5
