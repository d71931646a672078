"""The policy section of senders, and what is wrong with one."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from shared.model.secret import SecretRef
from shared.senders import EntraSender, HmacSender, KeySender, Sender
from tests.unit.senders.kit import (
    APP,
    AUDIENCE,
    ENTRA_SENDER,
    HMAC_SENDER,
    ISSUER,
    KEYS_URL,
    ROOT,
    TENANT,
    problems_of,
)


def test_the_section_decodes_by_method() -> None:
    """The policy's section becomes one struct per sender, chosen by its method."""
    section = {
        "logic-app": {
            "method": "key",
            "secret": {"setting": "KEY"},
            "previous": {"setting": "KEY_OLD"},
            "formats": ["defender"],
        },
        "soar": {
            "method": "hmac",
            "secret": {"setting": "SIGN"},
            "formats": ["sentinel"],
        },
        "azure-monitor": {
            "method": "entra",
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "app_ids": [APP],
            "formats": ["monitor"],
        },
    }

    senders = msgspec.convert(section, dict[str, Sender])

    assert senders == {
        "logic-app": KeySender(
            secret=SecretRef("KEY"),
            previous=SecretRef("KEY_OLD"),
            formats=("defender",),
        ),
        "soar": HMAC_SENDER,
        "azure-monitor": ENTRA_SENDER,
    }


@pytest.mark.parametrize(
    "sender",
    [
        {"method": "key", "secret": {"setting": "KEY"}},
        {"method": "key", "secret": {"setting": "KEY"}, "formats": []},
        {"method": "key", "secret": "inline", "formats": ["defender"]},
        {"method": "key", "formats": ["defender"]},
        {"method": "basic", "secret": {"setting": "KEY"}, "formats": ["defender"]},
        {"secret": {"setting": "KEY"}, "formats": ["defender"]},
        {
            "method": "hmac",
            "secret": {"setting": "SIGN"},
            "formats": ["defender"],
            "audience": AUDIENCE,
        },
        {"method": "entra", "issuer": ISSUER, "app_ids": [APP], "formats": ["x"]},
        {"method": "entra", "issuer": ISSUER, "audience": "a", "formats": ["x"]},
        {"method": "entra", "audience": "a", "app_ids": [APP], "formats": ["x"]},
        {
            "method": "entra",
            "issuer": ISSUER,
            "audience": "a",
            "app_ids": [],
            "formats": ["x"],
        },
    ],
)
def test_a_wrong_section_does_not_decode(sender: dict[str, object]) -> None:
    """A sender with a missing, unknown or empty field never becomes a struct."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"it": sender}, dict[str, Sender])


def test_every_problem_is_listed_at_once() -> None:
    """A bad section fails with all its problems, each by path, none with a value."""
    senders: dict[str, Sender] = {
        "absent": KeySender(secret=SecretRef("NONE"), formats=("defender",)),
        "short": HmacSender(
            secret=SecretRef("FINE"), previous=SecretRef("SHORT"), formats=()
        ),
        "entra": EntraSender(
            issuer="http://plain.example/",
            audience=" ",
            app_ids=("",),
            jwks_url="ftp://plain.example/keys",
            formats=("",),
        ),
        "foreign": EntraSender(
            issuer="https://idp.example/",
            audience="a",
            app_ids=(),
            formats=("defender",),
        ),
    }

    problems = problems_of(senders, {"SHORT": "fifteen-letters", "FINE": "f" * 16})

    assert sorted(problem.partition(": ")[0] for problem in problems) == [
        "senders.absent.secret",
        "senders.entra.app_ids",
        "senders.entra.audience",
        "senders.entra.formats",
        "senders.entra.issuer",
        "senders.entra.jwks_url",
        "senders.foreign.app_ids",
        "senders.foreign.jwks_url",
        "senders.short.formats",
        "senders.short.previous",
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "missing"),
        ("", "missing"),
        ("x" * 15, "shorter than 16"),
        ("@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/s)", "not resolved"),
        ("a-good-secret-with-newline\n", "white space"),
        (" a-good-secret-after-blank", "white space"),
        ("sécret-with-an-accent-in-it", "printable ASCII"),
    ],
)
@pytest.mark.parametrize("kind", [KeySender, HmacSender])
def test_an_unusable_secret_is_a_problem(
    kind: type[KeySender | HmacSender], value: str | None, said: str
) -> None:
    """A secret that cannot work, or that others could guess, stops the start."""
    settings = {} if value is None else {"MINE": value}

    (problem,) = problems_of(
        {"it": kind(secret=SecretRef("MINE"), formats=("x",))}, settings
    )

    assert problem.startswith("senders.it.secret: setting MINE ")
    assert said in problem


@pytest.mark.parametrize(
    "issuer",
    [
        "https://login.microsoftonline.com/common/v2.0",
        f"https://login.microsoftonline.com/{TENANT}/v2.0/",
        f"https://login.microsoftonline.com/{TENANT.upper()}/v2.0",
        f"https://login.microsoftonline.com/{TENANT}",
        f"https://sts.windows.net/{TENANT}",
        "https://sts.windows.net/contoso.onmicrosoft.com/",
    ],
)
def test_an_issuer_that_entra_never_writes_is_a_problem(issuer: str) -> None:
    """An issuer that no token of Entra can carry is found at start."""
    sender = EntraSender(issuer=issuer, audience="a", app_ids=(APP,), formats=("x",))

    (problem,) = problems_of({"it": sender}, {})

    assert problem.startswith("senders.it.issuer: never matches")


@pytest.mark.parametrize("address", ["https://[", "https://", "https://u:p@host/x", ""])
def test_an_address_that_is_none_is_a_problem(address: str) -> None:
    """An issuer or key address that is not plain https is found at start."""
    sender = EntraSender(
        issuer=address, audience="a", app_ids=(APP,), formats=("x",), jwks_url=address
    )

    assert len(problems_of({"it": sender}, {})) == 2


@pytest.mark.parametrize(
    ("issuer", "keys_url"),
    [
        (ISSUER, KEYS_URL),
        (
            f"https://sts.windows.net/{TENANT}/",
            f"https://login.microsoftonline.com/{TENANT}/discovery/keys",
        ),
        (
            f"https://login.microsoftonline.us/{TENANT}/v2.0",
            f"https://login.microsoftonline.us/{TENANT}/discovery/v2.0/keys",
        ),
    ],
)
def test_the_key_address_follows_from_the_issuer(issuer: str, keys_url: str) -> None:
    """For Entra's issuers the address of the keys need not be written."""
    sender = EntraSender(issuer=issuer, audience="a", app_ids=(APP,), formats=("x",))

    assert sender.keys_url == keys_url


def test_starting_asks_nobody_and_imports_no_jwt() -> None:
    """Neither importing nor building senders loads PyJWT, which a cold start pays."""
    program = """
import sys
from shared.senders import EntraSender, Senders
Senders(
    {"it": EntraSender(issuer="https://idp.example/", audience="a", app_ids=("b",),
                       jwks_url="https://idp.example/keys", formats=("x",))},
    secret=None, http=None, clock=None,
)
sys.exit("jwt" in sys.modules)
"""

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=False, timeout=60
    )

    assert done.returncode == 0
