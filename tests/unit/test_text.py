"""Attacker-controlled text made fit to read."""

from __future__ import annotations

import sys
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.text import clean, cut, defang, instant, is_link, one_line, plain

ANY_TEXT = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.characters(categories=["Cc", "Cf", "Cs", "Mn", "Zl", "Zp", "Zs"]),
    )
)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("two\nlines", "two\nlines"),
        ("CR\r\nLF and\rCR", "CR\nLF and\nCR"),
        ("a\tb\x0bc\x0cd", "a b c d"),
        ("a\u2028b\u2029c\x85d", "a b c d"),
        ("nul\x00 bell\x07 esc\x1b[31m c1\x9b", "nul bell esc[31m c1"),
        ("zero\u200bwidth\u200d\u2060\ufeff", "zerowidth"),
        ("\u202eexe.gpj \u2066x\u2069 \u061cy", "exe.gpj x y"),
        ("soft\xadhyphen", "softhyphen"),
        ("lone \ud800\udfff", "lone "),
        ("hidden\U000e0041\U000e0042", "hidden"),
        ("cafe\u0301", "caf\u00e9"),
        ("日本語 Ελληνικά \U0001f525", "日本語 Ελληνικά \U0001f525"),
    ],
)
def test_clean_drops_what_is_not_seen(text: str, cleaned: str) -> None:
    """Controls, invisible and reordering characters go; words and languages stay."""
    assert clean(text) == cleaned


@given(ANY_TEXT)
def test_cleaned_text_has_nothing_unseen_and_stays_as_it_is(text: str) -> None:
    """No format, control or surrogate character is left, and once is enough."""
    cleaned = clean(text)

    kinds = {char: unicodedata.category(char) for char in cleaned}
    assert {"Cf", "Cs", "Zl", "Zp"}.isdisjoint(kinds.values())
    assert [char for char, kind in kinds.items() if kind == "Cc"] in ([], ["\n"])
    assert unicodedata.is_normalized("NFC", cleaned)
    assert clean(cleaned) == cleaned
    cleaned.encode()


def test_clean_drops_every_format_character_there_is() -> None:
    """The list in the code is that of Python's Unicode."""
    every = (chr(code) for code in range(sys.maxunicode + 1))

    left = [
        char for char in every if unicodedata.category(char) == "Cf" and clean(char)
    ]

    assert left == []


@given(ANY_TEXT)
def test_one_line_is_one_line(text: str) -> None:
    """Runs of white space become one space, and none is left around."""
    line = one_line(text)

    assert line == " ".join(line.split())
    assert one_line(line) == line


@given(ANY_TEXT, st.integers(min_value=0, max_value=40))
def test_cut_never_exceeds_its_limit_and_shows(text: str, limit: int) -> None:
    """What fits is left alone; what does not ends in a visible mark."""
    shorter = cut(text, limit)

    assert len(shorter) <= limit
    assert shorter == text or shorter == text[: limit - 1] + "…" or limit == 0


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("see https://evil.example/x", "see hxxps://evil.example/x"),
        ("HTTP://EVIL.example", "hxxp://EVIL.example"),
        ("http:\\\\evil.example", "hxxp:\\\\evil.example"),
        ("httphttps://evil.example", "httphxxps://evil.example"),
        ("ldap://evil.example", "ldap[:]//evil.example"),
        ("hxxp://evil.example", "hxxp://evil.example"),
        ("www.evil.example WWW.x", "www[.]evil.example WWW[.]x"),
        ("https is a protocol: http", "https is a protocol: http"),
        ("C:\\Windows\\www", "C:\\Windows\\www"),
    ],
)
def test_urls_are_defanged(text: str, harmless: str) -> None:
    """Nothing is left that mail, chat or phone would make a link of."""
    assert defang(text) == harmless


@given(st.text(alphabet="htpsw:/. \u200b\n\xad"), st.integers(1, 30))
def test_plain_text_holds_no_live_url(text: str, limit: int) -> None:
    """Whatever is hidden between the letters, and wherever it is cut."""
    harmless = plain(text, limit)

    assert len(harmless) <= limit
    assert "http:" not in harmless
    assert "https:" not in harmless
    assert "www." not in harmless


@pytest.mark.parametrize(
    ("link", "may_be_offered"),
    [
        ("https://portal.azure.com/#blade/x?y=%20", True),
        ("https://portal.azure.com:8443/", True),
        ("http://portal.azure.com/", False),
        ("javascript:alert(1)", False),
        ("https://", False),
        ("https:///path", False),
        ("https://portal.azure.com@evil.example/", False),
        ("https://evil.example\\@portal.azure.com/", False),
        ("https://portal.azure.com/a b", False),
        ("https://portal.azure.com/\n", False),
        ("https://[broken/", False),
        ("https://xn.example/\u202e", False),
        ("https://portal.azure.com/" + "a" * 4000, False),
        ("", False),
    ],
)
def test_only_plain_https_urls_are_links(link: str, *, may_be_offered: bool) -> None:
    """What could mislead, or run, is not offered to follow."""
    assert is_link(link) is may_be_offered


def test_instants_are_utc_with_z() -> None:
    """Any zone becomes UTC, with milliseconds, as every sink reads it."""
    east = timezone(timedelta(hours=2))

    assert instant(datetime(2026, 11, 23, 14, 0, tzinfo=east)) == (
        "2026-11-23T12:00:00.000Z"
    )
    assert instant(datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)) == (
        "2026-01-02T03:04:05.678Z"
    )
