"""Azure's remote APIs as responders are given them, each where the settings say.

(remote-apis-azure.md 0.1)
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.clouds.blobs import BlobClient
from shared.clouds.rest import RestClient
from shared.model.errors import FailureReason, PermanentFailure
from shared.model.rest import Remotes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.model.blobs import Blobs
    from shared.model.http import Http
    from shared.model.rest import Rest
    from shared.settings import Settings


def remotes(
    settings: Settings, *, http: Http, token: Callable[[str], Awaitable[str]]
) -> Remotes:
    """A client of each API; nothing is opened before the first request."""

    def client(side: str, url: str, audience: str = "") -> RestClient:
        return RestClient(side, url, http=http, token=token, audience=audience)

    def vault(uri: str) -> Rest:
        if not _is_below(uri, settings.vault_url):
            raise PermanentFailure(
                FailureReason.INVALID, "the address of the vault is not one of a vault"
            )
        return client("Key Vault", uri.rstrip("/"), settings.vault_url)

    def blobs(uri: str) -> Blobs:
        if not _is_below(uri, settings.blob_url):
            raise PermanentFailure(
                FailureReason.INVALID, "the address is not one of blobs of an account"
            )
        return BlobClient(uri.rstrip("/"), http=http, token=token)

    return Remotes(
        arm=client("Azure Resource Manager", settings.arm_url),
        graph=client("Microsoft Graph", f"{settings.graph_url}/v1.0"),
        endpoint=client(
            "Defender for Endpoint",
            f"{settings.endpoint_url}/api",
            settings.endpoint_audience,
        ),
        vault=vault,
        blobs=blobs,
    )


def _is_below(uri: str, all_of_them: str) -> bool:
    """Whether an address is below where its like are: a token goes there."""
    try:
        found, known = urlsplit(uri), urlsplit(all_of_them)
        if known.scheme == "http":
            # A stand-in on this machine has them all at one host.
            return uri.startswith(f"{all_of_them}/")
        host, port = found.hostname or "", found.port
    except ValueError:
        return False
    return (
        found.scheme == "https"
        and port in {None, 443}
        and host.endswith(f".{known.hostname}")
        and found.username is None
        and found.path in {"", "/"}
        and not (found.query or found.fragment)
    )
