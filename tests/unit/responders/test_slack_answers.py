"""What Slack answers a bot: what may pass, and what does not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    TransientFailure,
)
from shared.model.http import Reply
from tests.fakes.http import FakeHttp
from tests.unit.responders.slack import make_bot, plain, refused


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("rate_limited", FailureReason.RATE_LIMITED),
        ("ratelimited", FailureReason.RATE_LIMITED),
        ("request_timeout", FailureReason.TIMEOUT),
        ("internal_error", FailureReason.SERVER),
        ("fatal_error", FailureReason.SERVER),
        ("service_unavailable", FailureReason.UNAVAILABLE),
    ],
)
async def test_an_error_that_may_pass_is_tried_again(
    error: str, reason: FailureReason
) -> None:
    """Slack says it with status 200, and how long to wait in a header."""
    responder = make_bot(FakeHttp(refused(error, **{"retry-after": "30"})))

    with pytest.raises(TransientFailure) as caught:
        await responder.apply(await plain())

    assert caught.value.reason == reason
    assert caught.value.retry_after == timedelta(seconds=30)
    assert str(caught.value) == f"Slack answered {error}"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("channel_not_found", FailureReason.NOT_FOUND),
        ("is_archived", FailureReason.NOT_FOUND),
        ("not_in_channel", FailureReason.AUTH),
        ("invalid_auth", FailureReason.AUTH),
        ("account_inactive", FailureReason.AUTH),
        ("token_revoked", FailureReason.AUTH),
        ("msg_too_long", FailureReason.INVALID),
        ("no_text", FailureReason.INVALID),
        ("invalid_blocks", FailureReason.INVALID),
        ("msg_blocks_too_long", FailureReason.INVALID),
    ],
)
async def test_an_error_that_does_not_pass_is_final(
    error: str, reason: FailureReason
) -> None:
    """Somebody has to mend it; the message says what Slack says."""
    with pytest.raises(PermanentFailure) as caught:
        await make_bot(FakeHttp(refused(error))).apply(await plain())

    assert caught.value.reason == reason
    assert str(caught.value) == f"Slack answered {error}"


async def test_an_error_that_is_not_known_is_not_repeated() -> None:
    """What a remote side says is no text of ours."""
    responder = make_bot(FakeHttp(refused("<script>alert(1)</script>")))

    with pytest.raises(PermanentFailure) as caught:
        await responder.apply(await plain())

    assert caught.value.reason == FailureReason.INVALID
    assert "script" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"[]",
        b'{"ok":"true"}',
        b"<html>sign in</html>",
        b'{"ok":true}',
        b'{"ok":true,"channel":"C0SOC","ts":"now"}',
        b'{"ok":true,"channel":"C0SOC:1","ts":"1.2"}',
    ],
)
async def test_an_answer_that_is_not_slacks_is_no_success(body: bytes) -> None:
    """Whether it was said is not known, so it is said again, rather than not at all."""
    responder = make_bot(FakeHttp(Reply(status=200, headers={}, body=body)))

    with pytest.raises(TransientFailure) as caught:
        await responder.apply(await plain())

    assert caught.value.reason == FailureReason.SERVER
    assert "sign in" not in str(caught.value)
