"""Service principals that are disabled: those that are meant, and not Microsoft's."""

from __future__ import annotations

import pytest

from responders.principal_disable import MICROSOFT, PrincipalDisable
from shared.model.errors import ActionRefused
from tests.conformance.cases_accounts import logon
from tests.factories import make_incident
from tests.fakes.azure import LOADER, WEBER, azure
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports


@pytest.mark.parametrize(
    ("account", "tenant", "why"),
    [
        (LOADER, "72a00000-0000-4000-8000-000000000001", ""),
        (LOADER, MICROSOFT.upper(), "Microsoft's own"),
        (WEBER, "", "no such service principal"),
    ],
)
async def test_who_is_meant(account: str, tenant: str, why: str) -> None:
    """What a tenant needs to work is left alone, and a user is no principal."""
    async with azure() as side:
        principals = side.outside.graph.principals
        known = principals.find(LOADER) or {}
        principals.write({**known, "appOwnerOrganizationId": tenant})
        ports = make_ports(FakeHttp(), {})._replace(azure=side.remotes)
        doer = PrincipalDisable("it", PrincipalDisable.Config(), ports)

        (deed,) = await doer.plan(make_incident(), [logon(account)])

        assert why in deed.obstacle
        assert bool(deed.obstacle) is bool(why)
        if why:
            with pytest.raises(ActionRefused):
                await doer.before(deed)
        else:
            assert "etl-loader" in deed.says
