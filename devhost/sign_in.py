"""App Service Authentication, as far as it goes on one machine: somebody is signed in.

The platform takes the header that says who from whatever comes in, and writes its own.
"""

from __future__ import annotations

import base64
import json

HEADER = "x-ms-client-principal"

# Whoever sits at this machine.
NAME = "you@this-machine"


def principal(object_id: str) -> str:
    """The header's value, for somebody of Microsoft Entra with that object id."""
    claims = [
        {"typ": "oid", "val": object_id},
        {"typ": "preferred_username", "val": NAME},
    ]
    said = {"auth_typ": "aad", "claims": claims}
    return base64.b64encode(json.dumps(said).encode()).decode()
