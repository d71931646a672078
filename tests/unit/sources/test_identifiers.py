"""The one form of each identifier, and what is none."""

from __future__ import annotations

import pytest

from shared.sources.entities import identifiers
from shared.sources.entities.identifiers import LONGEST_COMMAND, LONGEST_NAME

GUID = "011d5ede-0faa-4946-a25e-b2cd0c47a52c"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("8.8.8.8", ("8.8.8.8", True)),
        ("8.8.8.8:443", ("8.8.8.8", True)),
        ("[2606:4700::1111]:443", ("2606:4700::1111", True)),
        ("[2606:4700::1111]", ("2606:4700::1111", True)),
        ("2606:4700:0:0::1111", ("2606:4700::1111", True)),
        ("2606:4700::ABCD", ("2606:4700::abcd", True)),
        ("::ffff:8.8.8.8", ("8.8.8.8", True)),
        ("fe80::1%eth0", ("fe80::1", False)),
        ("fe80::1%<script>", ("fe80::1", False)),
        ("0.0.0.0", ("0.0.0.0", False)),
        ("10.0.0.4", ("10.0.0.4", False)),
        ("192.0.2.1", ("192.0.2.1", False)),
        ("224.0.0.1", ("224.0.0.1", False)),
        ("127.0.0.1", ("127.0.0.1", False)),
        ("00.00.00.00", None),
        ("010.0.0.1", None),
        ("1.2.3.4:port", None),
        ("1.2.3.0/24", None),
        ("16909060", None),
        ("vm-web-01", None),
        ("", None),
    ],
)
def test_an_address(text: str, found: tuple[str, bool] | None) -> None:
    """An address loses port, zone and IPv4 mapping; what ipaddress refuses is none."""
    assert identifiers.address(text) == found


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("1.2.3.4, 5.6.7.8", ["1.2.3.4", "5.6.7.8"]),
        ("FreeRDP (96.81.218.10)", ["FreeRDP", "96.81.218.10"]),
        ("IP Address: 193.188.22.218", ["IP", "Address:", "193.188.22.218"]),
        ("", []),
        (" , ", []),
    ],
)
def test_a_list_of_addresses(text: str, tokens: list[str]) -> None:
    """Whatever stands between addresses parts them."""
    assert identifiers.address_tokens(text) == tokens


@pytest.mark.parametrize(
    ("text", "upn"),
    [
        (" Mallory@Contoso.COM ", "mallory@contoso.com"),
        ("m_ex.com#EXT#@contoso.onmicrosoft.com",) * 2,
        ("sample@corp", "sample@corp"),
        ("a@b@c.com", None),
        ("mallory", None),
        ("@contoso.com", None),
        ("mallory@", None),
        ("mal lory@contoso.com", None),
        ("CONTOSO\\m@contoso.com", None),
        ("m@contoso..com", None),
    ],
)
def test_a_upn(text: str, upn: str | None) -> None:
    """A UPN has one @ with something on both sides, and no case."""
    assert identifiers.upn(text) == (upn.lower() if upn else None)


@pytest.mark.parametrize(
    ("text", "sid"),
    [
        ("s-1-5-21-1-2-3-500", "S-1-5-21-1-2-3-500"),
        ("S-1-5-18", "S-1-5-18"),
        ("S-0-0-00", None),
        ("S-1-5", None),
        ("S-1-5-21-" + "1-" * 40 + "1", None),
    ],
)
def test_a_sid(text: str, sid: str | None) -> None:
    """A SID is upper-case and of revision 1; the sample alerts' S-0-0-00 is none."""
    assert identifiers.sid(text) == sid


@pytest.mark.parametrize(
    ("text", "guid"),
    [
        (GUID.upper(), GUID),
        (f"{{{GUID}}}", GUID),
        ("00000000-0000-0000-0000-000000000000", ""),
        (GUID.replace("-", ""), None),
        ("00000000-0000-0000-0000-00000000000", None),
        ("mallory", None),
    ],
)
def test_a_guid(text: str, guid: str | None) -> None:
    """A GUID is lower-case; the one of zeros names nothing."""
    assert identifiers.guid(text) == guid


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("73E7E2DE709DFF64EF64B1D0C30E67FAB63279DB",) * 2,
        ("0123456789abcdef0123456789abcdef",) * 2,
        ("0" * 40, ""),
        ("73e7", None),
        (GUID, None),
    ],
)
def test_a_device_id(text: str, device: str | None) -> None:
    """Defender's device ids are 40 hexadecimal digits, in some products 32."""
    expected = device.lower() if device else device
    assert identifiers.device_id(text) == expected


@pytest.mark.parametrize(
    ("algorithm", "text", "digest"),
    [
        ("MD5", "0A" * 16, ("md5", "0a" * 16)),
        ("SHA-1", "0a" * 20, ("sha1", "0a" * 20)),
        ("Sha256", "0a" * 32, ("sha256", "0a" * 32)),
        ("MD5", "0a" * 20, None),
        ("MD5", "Sample-SHA", None),
        ("MD5", "xy" * 16, None),
        ("SHA256AC", "0a" * 32, None),
        ("", "0a" * 32, None),
    ],
)
def test_a_digest(algorithm: str, text: str, digest: tuple[str, str] | None) -> None:
    """A digest fits its algorithm; the length alone is not taken for a name."""
    assert identifiers.digest(algorithm, text) == digest


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("HTTPS://Evil.Example/Path?Q=A#F", "https://evil.example/Path?Q=A#F"),
        ("ftp://User@HOST:21/X", "ftp://User@host:21/X"),
        ("http://[::ABCD/", "http://[::abcd/"),
        ("evil.example/Path", "evil.example/Path"),
        ("javascript:Alert(1)", "javascript:Alert(1)"),
    ],
)
def test_a_url(text: str, url: str) -> None:
    """Only scheme and host have no case; nothing is mended."""
    assert identifiers.url(text) == url


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("Evil.Example.", "evil.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("bücher.example", "bücher.example"),
        ("_dmarc.contoso.com", "_dmarc.contoso.com"),
        ("dc01", "dc01"),
        ("1.2.3.4", None),
        ("a..b", None),
        ("https://evil.example", None),
        ("two words", None),
        ("x" * 64 + ".example", None),
        ("a." * 130 + "example", None),
        ("", None),
    ],
)
def test_a_domain(text: str, domain: str | None) -> None:
    """A domain name is lower-case, has labels of 63, and is no address."""
    assert identifiers.domain(text) == domain


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("0x1e49a", 124058),
        ("0X1E49A", 124058),
        ("944", 944),
        (944, 944),
        (944.0, 944),
        (0, 0),
        ("4294967295", 4294967295),
        ("4294967296", None),
        ("1e49a", None),
        ("-1", None),
        (True, None),
        (1.5, None),
        ("", None),
        (None, None),
        ([944], None),
        ("\u0661\u0662", None),
    ],
)
def test_a_process_id(value: object, number: int | None) -> None:
    """Process ids are numbers, decimal texts or hexadecimal ones with 0x."""
    assert identifiers.process_id(value) == number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("  two   words\n", "two words"),
        ("a\u202eb\x00c", "abc"),
        ("cafe\u0301", "caf\u00e9"),
        (944, "944"),
        (-78.5, "-78.5"),
        (0, "0"),
        (float("nan"), ""),
        (float("inf"), ""),
        (True, ""),
        (None, ""),
        ({}, ""),
        ("x" * (LONGEST_NAME + 1), "x" * (LONGEST_NAME - 1) + "…"),
        ("x" * LONGEST_NAME, "x" * LONGEST_NAME),
        ("\u200b" * 2_000 + "x", ""),
        ("\u200bx" + "\u200b" * 2_000, "x…"),
    ],
)
def test_tidy(value: object, text: str) -> None:
    """Texts and numbers become one clean line, at most so long, and show the cut."""
    assert identifiers.tidy(value) == text


def test_a_number_that_python_refuses_to_print_is_no_text() -> None:
    """Integers past 4,300 digits raise when they are printed."""
    assert identifiers.tidy(10**5_000) == ""
    assert identifiers.process_id(10**5_000) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("cmd  /c  echo ", "cmd  /c  echo"),
        ("sh -c '\u202ex\n y'", "sh -c 'x\n y'"),
        ("x" * 9_000, "x" * (LONGEST_COMMAND - 1) + "…"),
    ],
)
def test_a_command_keeps_its_spaces(value: str, text: str) -> None:
    """White space inside a command line is part of it."""
    assert identifiers.command(value) == text


def test_an_arm_id_that_was_cut_is_none() -> None:
    """Two long ids that begin alike must not become one."""
    whole = f"/subscriptions/{GUID}/resourceGroups/RG"

    assert identifiers.arm_id(whole.upper()) == whole.lower()
    assert identifiers.arm_id(f"{whole}/{'x' * 2_000}") is None
    assert identifiers.arm_id("vm-web-01") is None
