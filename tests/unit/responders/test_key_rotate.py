"""Keys that are made anew: once, and nothing of them is kept."""

from __future__ import annotations

import pytest

from responders.key_rotate import KeyRotate
from shared.model.errors import SettingsError
from tests.conformance.doer_case import alert
from tests.factories import make_incident
from tests.fakes.azure import LAKE, azure
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports


async def test_each_key_is_a_deed_and_no_key_is_repeated() -> None:
    """What the account answers holds all of them in clear."""
    async with azure() as side:
        ports = make_ports(FakeHttp(), {})._replace(azure=side.remotes)
        doer = KeyRotate("it", KeyRotate.Config(keys=("key2", "key1", "key2")), ports)
        second, first = await doer.plan(make_incident(), [alert(LAKE)])
        assert (second.content["key"], first.content["key"]) == ("key2", "key1")

        before = await doer.before(first)
        outcome = await doer.apply(first, before)

        assert outcome.reference == ""
        assert (await doer.verify(first, before)).state == "in force"
        # The other is as it was.
        assert (await doer.verify(second, await doer.before(second))).state == (
            "as before"
        )
        (change,) = side.outside.manager.changes
        assert change["body"] == {"keyName": "key1"}


def test_a_key_is_named() -> None:
    """One at least."""
    with pytest.raises(SettingsError):
        KeyRotate("it", KeyRotate.Config(keys=()), make_ports(FakeHttp(), {}))
