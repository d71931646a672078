"""Accounts of Microsoft Graph: where each is, by its object id and nothing else.

(remote-apis-azure.md 13)
"""

from __future__ import annotations

import re

from shared.model.errors import FailureReason, PermanentFailure

# Without it Graph does not say whether a user is enabled, or comes from elsewhere.
USER_FIELDS = (
    "id",
    "userPrincipalName",
    "accountEnabled",
    "onPremisesSyncEnabled",
    "userType",
    "signInSessionsValidFromDateTime",
    "createdDateTime",
)

PRINCIPAL_FIELDS = ("id", "displayName", "accountEnabled", "appOwnerOrganizationId")

# What tells Entra ID Protection that users are compromised, by their object ids.
RISKY_CONFIRM = "/identityProtection/riskyUsers/confirmCompromised"

_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def user(object_id: str, *, act: str = "") -> str:
    """The path of a user, or of what it is asked to ``act``.

    Never by a name to sign in with: an alert names what its writer likes. Raises
    PermanentFailure, INVALID, for what is no object id.
    """
    return _path("users", object_id, act)


def user_fields(object_id: str) -> str:
    """The path at which all is read of a user that matters to a change of it."""
    return f"{user(object_id)}?$select={','.join(USER_FIELDS)}"


def principal(object_id: str) -> str:
    """The path of a service principal; as ``user`` else."""
    return _path("servicePrincipals", object_id)


def principal_fields(object_id: str) -> str:
    """The path at which all is read of a service principal that matters to a change."""
    return f"{principal(object_id)}?$select={','.join(PRINCIPAL_FIELDS)}"


def risky(object_id: str) -> str:
    """The path of what Entra ID Protection knows of a user; as ``user`` else."""
    return _path("identityProtection/riskyUsers", object_id)


def is_object_id(text: str) -> bool:
    """Whether it is what Entra names one account or group by."""
    return bool(_GUID.fullmatch(text))


def _path(kind: str, object_id: str, act: str = "") -> str:
    if not _GUID.fullmatch(object_id):
        raise PermanentFailure(FailureReason.INVALID, "not the object id of an account")
    return f"/{kind}/{object_id.lower()}{act and '/'}{act}"
