"""What Graph's notifications say, to either URL."""

import json

import pytest

from app.providers.graph.push import signals
from app.providers.push import Handshake, News, Signal


def told(*items: dict[str, object]) -> bytes:
    return json.dumps({"value": items}).encode()


def test_a_handshake_is_answered_with_its_own_text() -> None:
    assert signals({"validationToken": "Validation: <b>Testing</b> & more"}, b"") == Handshake(
        "Validation: <b>Testing</b> & more"
    )
    answer = signals({"validationToken": "x" * 10_000}, b"")
    assert isinstance(answer, Handshake)
    assert len(answer.text) == 4096


def test_several_notifications_in_one_delivery() -> None:
    body = told(
        {
            "subscriptionId": "s1",
            "clientState": "secret",
            "changeType": "updated",
            "resource": "Users/1/Events/2",
            "resourceData": {"id": "2", "@odata.etag": "x"},
            "tenantId": "t",
        },
        {"subscriptionId": "s2", "changeType": "created"},
    )
    assert signals({}, body) == (Signal("s1", "secret", News.CHANGED), Signal("s2", "", News.CHANGED))


@pytest.mark.parametrize(
    ("event", "news"),
    [
        ("reauthorizationRequired", News.RENEW),
        ("subscriptionRemoved", News.ENDED),
        ("missed", News.CHANGED),
        ("somethingNew", News.CHANGED),
    ],
)
def test_the_lifecycle(event: str, news: News) -> None:
    body = told({"subscriptionId": "s1", "clientState": "secret", "lifecycleEvent": event})
    assert signals({}, body) == (Signal("s1", "secret", news),)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"value": 1}',
        b'{"value": [{"subscriptionId": 1}]}',
        b"\xff",
        b'{"value": [{}]}',
        b"[" * 5000,
    ],
)
def test_what_is_no_notification_says_nothing(body: bytes) -> None:
    assert signals({}, body) == ()


def test_one_notification_without_a_secret_does_not_cost_the_others() -> None:
    body = told({"subscriptionId": "s1", "clientState": None}, {"subscriptionId": None}, {"subscriptionId": "s2"})
    assert signals({}, body) == (Signal("s1", "", News.CHANGED), Signal("s2", "", News.CHANGED))
