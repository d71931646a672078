"""Putting a package into a function app on Flex Consumption.

By its One Deploy endpoint, which the Azure CLI and azd use too, but those always have
Python apps built anew in Azure (azure-cli, `enable_zip_deploy_flex`): then neither the
bytecode nor the files that were tested would be what runs.
"""

from __future__ import annotations

import re
import zipfile
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

from cli.release.arm import refusal, send
from cli.release.errors import ReleaseError

if TYPE_CHECKING:
    from pathlib import Path

    from cli.release.arm import Arm, Site
    from cli.release.waiting import Waiting

# Rights and network rules that were just made take a while to count, and so does a
# platform that is busy. Sending a package again does no harm.
_AGAIN = {403, 408, 409, 429, 500, 502, 503, 504}
_NO_RIGHT_YET = "BlobUploadFailedException"
_SEND_FOR_S, _SEND_EVERY_S = 300, 20

# Numbers of Kudu's deployments: 0 waits, 1 builds, 2 is put in place, 4 is done.
_GOES_ON, _DONE = {0, 1, 2}, 4
_DEPLOY_FOR_S, _DEPLOY_EVERY_S = 600, 5

# Until the platform has looked at what it was given.
_INDEX_FOR_S, _INDEX_EVERY_S = 300, 10

_FUNCTION = re.compile(r'^@app\.function_name\("(\w+)"\)', re.MULTILINE)


class Publisher:
    """Puts packages into apps, and does not say that it did before the app shows it."""

    def __init__(self, arm: Arm, http: httpx.Client, waiting: Waiting) -> None:
        self._arm = arm
        self._http = http
        self._waiting = waiting

    def __call__(self, package: Path, app: str) -> int:
        """Put a package into the app of a resource id; the number of its functions.

        Raises ReleaseError, with the earlier package or this one in place.
        """
        expected = functions(package)
        site = self._arm.site(app)
        self._finish(site, self._send(site, package.read_bytes()))
        return self._indexed(app, expected)

    def _send(self, site: Site, body: bytes) -> str:
        url = f"https://{site.scm_host}/api/publish?RemoteBuild=false"
        why = ""
        for _ in self._waiting.rounds(for_s=_SEND_FOR_S, every_s=_SEND_EVERY_S):
            request = httpx.Request("POST", url, headers=self._headers(), content=body)
            request.headers["content-type"] = "application/zip"
            answer = send(self._http, request)
            if answer.is_success:
                return str(answer.json())
            why = refusal(answer)
            if answer.status_code not in _AGAIN and _NO_RIGHT_YET not in answer.text:
                break
        raise ReleaseError(why)

    def _finish(self, site: Site, deployment: str) -> None:
        url = f"https://{site.scm_host}/api/deployments/{deployment}"
        for _ in self._waiting.rounds(for_s=_DEPLOY_FOR_S, every_s=_DEPLOY_EVERY_S):
            answer = send(
                self._http, httpx.Request("GET", url, headers=self._headers())
            )
            if answer.status_code == HTTPStatus.NOT_FOUND:
                # It is not listed yet, or not any more: its functions will tell.
                continue
            if not answer.is_success:
                raise ReleaseError(refusal(answer))
            found: dict[str, Any] = answer.json()
            if found["status"] == _DONE:
                return
            if found["status"] not in _GOES_ON:
                said = found.get("status_text") or found.get("message") or ""
                raise ReleaseError(f"{site.host}: the package was refused: {said}")
        raise ReleaseError(f"{site.host}: the package is not in place after a while")

    def _indexed(self, app: str, expected: frozenset[str]) -> int:
        missing = expected
        for _ in self._waiting.rounds(for_s=_INDEX_FOR_S, every_s=_INDEX_EVERY_S):
            found = self._arm.functions(app)
            missing = expected - found
            if not missing:
                return len(found)
        raise ReleaseError(f"{app}: no function {', '.join(sorted(missing))}")

    def _headers(self) -> dict[str, str]:
        return {"authorization": self._arm.authorization}


def functions(package: Path) -> frozenset[str]:
    """The functions that a package names by themselves; there are more in blueprints."""
    try:
        with zipfile.ZipFile(package) as opened:
            text = opened.read("function_app.py").decode()
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ReleaseError(f"{package}: is no package: {error}") from error
    return frozenset(_FUNCTION.findall(text))
