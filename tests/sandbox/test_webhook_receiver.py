"""The demo's webhook: what is signed by the account's secret is taken, everything else is refused and named."""

import base64
import hashlib
import hmac
import json

import httpx
import pytest

from sandbox.webhook_receiver import TOLERANCE, RefusedError, WebhookReceiver, receiving, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLw=="
NOW = 1_795_266_000
EVENT = {"id": "evt_1", "sequence": 1, "type": "booking.created", "data": {"title": "Möte"}}


def signature(body: bytes, *, secret: str = SECRET, message_id: str = "evt_1", timestamp: str = str(NOW)) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(made).decode()


def headers_of(body: bytes, **signed: str) -> dict[str, str]:
    return {
        "webhook-id": signed.get("message_id", "evt_1"),
        "webhook-timestamp": signed.get("timestamp", str(NOW)),
        "webhook-signature": signature(body, **signed),
    }


def message(event: object = EVENT) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()


@pytest.fixture
def receiver() -> WebhookReceiver:
    made = WebhookReceiver()
    made.trust(SECRET)
    return made


def test_a_signature_made_elsewhere_is_verified():
    # Made with the reference library for Python, `standardwebhooks` 1.1: Webhook(SECRET).sign(...).
    body = b'{"test": 2432232314}'
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,/Xy7FLfFISa1TZH7WLT+0x/orG5MlcutAFOpVan3/00=",
    }
    verify(SECRET, headers, body, now=1614265330)
    with pytest.raises(RefusedError, match="no signature is ours"):
        verify(SECRET, headers, body + b" ", now=1614265330)


def test_what_is_signed_is_taken_once_and_its_repeats_are_counted(receiver):
    body = message()
    assert receiver.receive(headers_of(body), body, now=NOW) == 204
    assert receiver.receive(headers_of(body, timestamp=str(NOW + 9)), body, now=NOW + 9) == 204
    assert [delivery.event for delivery in receiver.taken] == [EVENT]
    assert receiver.repeats == 1
    assert receiver.find("evt_1").event == EVENT
    assert receiver.find("evt_2") is None


def test_after_a_rotation_one_of_two_signatures_is_enough(receiver):
    body = message()
    other = signature(body, secret="whsec_" + base64.b64encode(b"another").decode())
    headers = headers_of(body)
    headers["webhook-signature"] = f"v1a,AAAA {other} {headers['webhook-signature']}"
    assert receiver.receive(headers, body, now=NOW) == 204


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"webhook-signature": "v1,"}, "no signature is ours"),
        ({"webhook-signature": "v1,not base64"}, "no signature is ours"),
        ({"webhook-signature": signature(message(), secret="whsec_AAAA")}, "no signature is ours"),
        ({"webhook-signature": signature(message()).replace("v1,", "v2,")}, "no signature is ours"),
        ({"webhook-id": "evt_2"}, "no signature is ours"),
        ({"webhook-timestamp": str(NOW + 1)}, "no signature is ours"),
        ({"webhook-timestamp": "soon"}, "a header is missing or malformed"),
        ({"webhook-signature": None}, "a header is missing or malformed"),
    ],
)
def test_what_is_not_signed_is_refused_and_named(receiver, change, reason):
    body = message()
    headers = {name: value for name, value in {**headers_of(body), **change}.items() if value is not None}
    assert receiver.receive(headers, body, now=NOW) == 401
    assert receiver.refused == [reason]
    assert receiver.taken == []


@pytest.mark.parametrize("late", [TOLERANCE + 1, -TOLERANCE - 1])
def test_a_recorded_message_is_refused_later(receiver, late):
    body = message()
    assert receiver.receive(headers_of(body), body, now=NOW + late) == 401
    assert receiver.refused == ["the message is too old, or of the future"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"hello", "the body is no JSON"),
        (b"\xff", "the body is no JSON"),
        (message([EVENT]), "the event is not the message's"),
        (message(EVENT | {"id": "evt_2"}), "the event is not the message's"),
    ],
)
def test_a_signed_body_must_be_the_messages_event(receiver, body, reason):
    assert receiver.receive(headers_of(body), body, now=NOW) == 401
    assert receiver.refused == [reason]


def test_before_the_secret_is_known_nothing_is_taken():
    receiver, body = WebhookReceiver(), message()
    assert receiver.receive(headers_of(body), body, now=NOW) == 401
    assert receiver.refused == ["nobody is trusted yet"]


async def test_it_answers_over_a_real_socket(monkeypatch):
    monkeypatch.setattr("sandbox.webhook_receiver.time.time", lambda: NOW)
    body = message()
    with receiving() as receiver:
        receiver.trust(SECRET)
        async with httpx.AsyncClient() as client:
            taken = await client.post(receiver.url, content=body, headers=headers_of(body))
            refused = await client.post(receiver.url, content=body + b"!", headers=headers_of(body))
        assert (taken.status_code, refused.status_code) == (204, 401)
        assert [delivery.event for delivery in receiver.taken] == [EVENT]
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.post(receiver.url, content=body)
