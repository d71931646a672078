"""Putting a package into an app: what is sent, what is waited for, what is believed."""

from __future__ import annotations

import json
import zipfile
from collections import deque
from typing import TYPE_CHECKING, TypeVar

import httpx
import pytest

from cli.release.arm import Arm
from cli.release.errors import ReleaseError
from cli.release.publishing import Publisher, functions
from cli.release.waiting import Waiting

if TYPE_CHECKING:
    from pathlib import Path

_T = TypeVar("_T")

APP = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Web/sites/func-firewatch"
SITE = {
    "properties": {
        "defaultHostName": "func-firewatch.azurewebsites.net",
        "hostNameSslStates": [
            {"name": "func-firewatch.azurewebsites.net", "hostType": "Standard"},
            {"name": "func-firewatch.scm.azurewebsites.net", "hostType": "Repository"},
        ],
    }
}
CODE = '@app.function_name("tick")\ndef tick(): ...\n@app.function_name("health")\n'


class Azure:
    """Azure Resource Manager and a deployment endpoint, with answers of their own."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.publish = deque([httpx.Response(202, json="42")])
        self.statuses: deque[int | httpx.Response] = deque([1, 4])
        self.functions = deque([["tick", "health", "list_incidents"]])
        self.slept = 0.0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        match request.url.path.removeprefix(APP):
            case "/api/publish":
                return self._next(self.publish)
            case "/api/deployments/42":
                status = self._next(self.statuses)
                if isinstance(status, httpx.Response):
                    return status
                return httpx.Response(200, json={"status": status, "message": "broken"})
            case "/functions":
                names = [
                    {"name": f"func-firewatch/{n}"} for n in self._next(self.functions)
                ]
                return httpx.Response(200, json={"value": names})
            case "":
                return httpx.Response(200, json=SITE)
        raise AssertionError(request.url)

    def sleep(self, seconds: float) -> None:
        """Let time go by, which is all that ends a wait."""
        self.slept += seconds

    @staticmethod
    def _next(answers: deque[_T]) -> _T:
        """The next answer; the last one for ever."""
        return answers.popleft() if len(answers) > 1 else answers[0]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A zip that names two functions."""
    made = tmp_path / "package.zip"
    with zipfile.ZipFile(made, "w") as opened:
        opened.writestr("function_app.py", CODE)
    return made


@pytest.fixture
def azure() -> Azure:
    """Azure, where everything goes well."""
    return Azure()


def publish(azure: Azure, package: Path) -> int:
    """Put the package into the app."""
    with httpx.Client(transport=httpx.MockTransport(azure)) as http:
        arm = Arm(http, lambda scope: f"token of {scope}", "https://arm.example")
        waiting = Waiting(lambda: azure.slept, azure.sleep)
        return Publisher(arm, http, waiting)(package, APP)


def test_the_package_is_sent_as_it_is(azure: Azure, package: Path) -> None:
    """The bytes go to the deployment endpoint, which is told to build nothing."""
    count = publish(azure, package)

    sent = next(each for each in azure.asked if each.method == "POST")
    assert sent.url == (
        "https://func-firewatch.scm.azurewebsites.net/api/publish?RemoteBuild=false"
    )
    assert sent.content == package.read_bytes()
    assert sent.headers["content-type"] == "application/zip"
    assert (
        sent.headers["authorization"] == "Bearer token of https://arm.example/.default"
    )
    assert count == 3


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(403),
        httpx.Response(503),
        httpx.Response(400, text="BlobUploadFailedException: 403"),
    ],
    ids=lambda answer: str(answer.status_code),
)
def test_rights_that_do_not_count_yet_are_waited_for(
    azure: Azure, package: Path, answer: httpx.Response
) -> None:
    """A first deployment comes before its role assignments do."""
    azure.publish.appendleft(answer)

    assert publish(azure, package) == 3


def test_a_refusal_is_final(azure: Azure, package: Path) -> None:
    """What is wrong with the request stays wrong; the answer is told, without a token."""
    azure.publish = deque([httpx.Response(401, text="not you")])

    with pytest.raises(ReleaseError, match="api/publish: 401 not you") as found:
        publish(azure, package)

    assert "token" not in str(found.value)
    assert azure.slept == 0


def test_rights_that_never_count_end_the_wait(azure: Azure, package: Path) -> None:
    """After five minutes it is said what was answered."""
    azure.publish = deque([httpx.Response(403, text="no right")])

    with pytest.raises(ReleaseError, match="403 no right"):
        publish(azure, package)

    assert azure.slept >= 300


@pytest.mark.parametrize("status", [-1, 3, 5, 6])
def test_a_deployment_that_failed_is_told(
    azure: Azure, package: Path, status: int
) -> None:
    """The endpoint answers 200 whatever came of it: its number counts."""
    azure.statuses = deque([2, status])

    with pytest.raises(ReleaseError, match="the package was refused: broken"):
        publish(azure, package)


def test_a_deployment_that_never_ends_is_told(azure: Azure, package: Path) -> None:
    """Nobody waits for ever."""
    azure.statuses = deque([2])

    with pytest.raises(ReleaseError, match="is not in place after a while"):
        publish(azure, package)


def test_a_deployment_that_is_not_listed_yet_is_asked_for_again(
    azure: Azure, package: Path
) -> None:
    """404 is no end."""
    azure.statuses.appendleft(httpx.Response(404))

    assert publish(azure, package) == 3


def test_functions_that_do_not_appear_are_told(azure: Azure, package: Path) -> None:
    """A package that is in place and loads nothing is no success."""
    azure.functions = deque([["health"]])

    with pytest.raises(ReleaseError, match="no function tick"):
        publish(azure, package)


def test_functions_may_take_a_while_to_appear(azure: Azure, package: Path) -> None:
    """The platform looks at a package after it has it."""
    azure.functions.appendleft([])

    assert publish(azure, package) == 3


def test_silence_of_the_other_side_is_told(package: Path) -> None:
    """A host that does not answer is named."""

    def dead(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("secret details", request=request)

    with httpx.Client(transport=httpx.MockTransport(dead)) as http:
        publisher = Publisher(
            Arm(http, lambda _: "", "https://arm.example"), http, Waiting()
        )
        with pytest.raises(ReleaseError) as found:
            publisher(package, APP)

    assert str(found.value) == "arm.example does not answer: ConnectError"


def test_what_is_no_package_is_not_sent(azure: Azure, tmp_path: Path) -> None:
    """A file of another kind is refused before anybody is asked."""
    other = tmp_path / "policy.yaml"
    other.write_text(json.dumps({}))

    with pytest.raises(ReleaseError, match="is no package"):
        publish(azure, other)

    assert azure.asked == []


def test_the_app_names_its_functions(tmp_path: Path) -> None:
    """What is expected to appear is read from the package itself."""
    made = tmp_path / "package.zip"
    with zipfile.ZipFile(made, "w") as opened:
        opened.write("function_app.py")

    assert {"ingest_alerts", "respond", "tick", "health"} <= functions(made)
