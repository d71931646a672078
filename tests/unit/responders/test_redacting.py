"""No secret is kept, and what tells of an attack is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responders.sides.redacting import REDACTED, redacted

SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    "document",
    [
        {"adminPassword": SECRET},
        {"osProfile": {"customData": SECRET}},
        {"settings": {"commandToExecute": f"curl x -u {SECRET}"}},
        {"protectedSettings": {"anything": {"at": ["all", SECRET]}}},
        {"primaryKey": SECRET},
        {"Primary_Access-Key": SECRET},
        {"connectionStrings": [{"name": "db", "connectionString": SECRET}]},
        {"clientSecret": SECRET},
        {"sasToken": SECRET},
        {"appSettings": [{"name": "REGION", "value": SECRET}]},
        {"environmentVariables": [{"name": "A", "value": SECRET, "secureValue": None}]},
        {"tags": {"note": f"password={SECRET}"}},
        {"notes": f"DefaultEndpointsProtocol=https;AccountKey={SECRET}"},
        {"url": f"https://lake7.blob.core.windows.net/a?sv=1&sig={SECRET}"},
        {"url": f"https://bob:{SECRET}@example.com/git"},
        {"description": f"-----BEGIN PRIVATE KEY-----\n{SECRET}"},
        {"note": f"eyJhbGciOiJIUzI1.eyJzdWIiOiIx{SECRET}"},
        {"publishingPassword": SECRET},
        {"instrumentationKey": SECRET},
    ],
)
def test_secrets_go(document: dict[str, Any]) -> None:
    """By their names, and by how they look; how many went is told."""
    found = redacted(document)

    assert SECRET not in repr(found.document)
    assert REDACTED in repr(found.document)
    assert found.texts >= 1


@pytest.mark.parametrize(
    "document",
    [
        {"allowSharedKeyAccess": True, "keyCreationTime": {"key1": "2026-03-04"}},
        {"permissions": {"secrets": ["get", "list"], "keys": ["all"]}},
        {
            "keySource": "Microsoft.Storage",
            "keyPolicy": {"keyExpirationPeriodInDays": 9},
        },
        {"ssh": {"publicKeys": [{"keyData": "ssh-rsa AAAA", "path": "/home/a"}]}},
        {"ipRules": [{"value": "203.0.113.7", "action": "Allow"}]},
        {"secretUri": "https://kv-core.vault.azure.net/secrets/db"},
        {"url": "https://kv-core.vault.azure.net/", "disasters": "none"},
        {"value": "alone", "adminPassword": None, "tokenCount": 3},
    ],
)
def test_what_tells_of_an_attack_stays(document: dict[str, Any]) -> None:
    """Who may do what, and from where."""
    assert redacted(document) == (document, 0)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=12), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=40)
@given(_JSON)
def test_the_form_stays(document: object) -> None:
    """Of any document, and doing it again changes nothing."""
    once = redacted(document)

    assert redacted(once.document).document == once.document
    assert _form(once.document) == _form(document)


@settings(max_examples=40)
@given(_JSON)
def test_below_a_secret_no_text_is_left(document: object) -> None:
    """However deep it lies."""
    assert {*_texts(redacted({"secret": document}).document)} <= {REDACTED, ""}


def _form(node: object) -> object:
    if isinstance(node, dict):
        return {name: _form(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_form(each) for each in node]
    return "" if isinstance(node, str) else node


def _texts(node: object) -> list[str]:
    if isinstance(node, dict):
        return [text for value in node.values() for text in _texts(value)]
    if isinstance(node, list):
        return [text for each in node for text in _texts(each)]
    return [node] if isinstance(node, str) else []
