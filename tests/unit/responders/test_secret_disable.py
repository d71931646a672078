"""Secrets that are disabled: which, all their versions, and none of their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from responders.secret_disable import SecretDisable
from shared.model.deed import State
from shared.model.errors import ActionRefused, SettingsError
from tests.conformance.doer_case import alert
from tests.factories import make_incident
from tests.fakes.azure import VAULT, Azure, azure
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from shared.model.deed import Deed

ONE, TWO = (f"kv-core/secrets/db-crm/{n:032}" for n in (1, 2))


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        yield side


def made(side: Azure, secrets: Any) -> SecretDisable:  # noqa: ANN401
    ports = make_ports(FakeHttp(), {})._replace(azure=side.remotes)
    config = msgspec.convert({"secrets": secrets}, SecretDisable.Config)
    return SecretDisable("it", config, ports)


async def planned(doer: SecretDisable) -> Sequence[Deed]:
    return await doer.plan(make_incident(), [alert(VAULT)])


async def test_only_versions_that_were_enabled_are_enabled_again(side: Azure) -> None:
    """The newest first to go; one that was off before stays off, and no value is read."""
    doer, before = made(side, {"kv-core": ["db-crm"]}), side.outside.state()
    (deed,) = await planned(doer)

    was = await doer.before(deed)
    await doer.apply(deed, was)

    assert [each["version"] for each in side.outside.vault.changes] == [TWO, ONE]
    assert len(was.by_hand) == 2
    await doer.undo(deed, was)
    assert side.outside.state() == before
    assert side.outside.vault.values_read == []


async def test_one_that_is_enabled_again_is_half_of_it(side: Azure) -> None:
    """Whoever takes it back enables the other."""
    doer = made(side, {"kv-core": ["db-crm"]})
    (deed,) = await planned(doer)
    was = await doer.before(deed)
    await doer.apply(deed, was)
    versions = side.outside.vault.versions
    known = versions.find(ONE) or {}

    versions.write({**known, "attributes": {**known["attributes"], "enabled": True}})

    assert (await doer.verify(deed, was)).state is State.PARTLY
    await doer.undo(deed, was)
    assert (await doer.verify(deed, was)).state is State.AS_BEFORE


async def test_what_cannot_be_says_why_and_keeps_no_other(side: Azure) -> None:
    """A secret that is not there, and one that a certificate has."""
    doer = made(side, {"kv-core": ["payment-api", "no-such", "tls-shop"]})

    found = {deed.content["secret"]: deed.obstacle for deed in await planned(doer)}

    assert found["payment-api"] == ""
    assert "404" in found["no-such"]
    assert "certificate" in found["tls-shop"]


async def test_a_vault_that_does_not_listen_to_the_app_is_an_obstacle(
    side: Azure,
) -> None:
    """Its network rules hold for Firewatch as well."""
    resources = side.outside.manager.resources
    vault = resources.find(VAULT) or {}
    properties = {**vault["properties"], "publicNetworkAccess": "Disabled"}
    resources.write({**vault, "properties": properties})

    (deed,) = await planned(made(side, {"kv-core": ["payment-api"]}))

    assert "403" in deed.obstacle


async def test_what_is_disabled_already_is_somebody_elses(side: Azure) -> None:
    """All of its versions, that is."""
    doer = made(side, {"kv-core": ["payment-api"]})
    (deed,) = await planned(doer)
    was = await doer.before(deed)
    await doer.apply(deed, was)

    with pytest.raises(ActionRefused, match="already"):
        await doer.before(deed)


@pytest.mark.parametrize("secrets", [{}, {"kv": []}, {"kv": ["a/b"]}, {"kv": ["*"]}])
async def test_secrets_are_named(side: Azure, secrets: object) -> None:
    """Each by its name, and at least one."""
    with pytest.raises(SettingsError):
        made(side, secrets)
