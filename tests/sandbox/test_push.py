"""The courier by itself: its end, its trust, and what it makes of addresses. Over real sockets."""

import asyncio
import ssl
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.exchange.tls import ensure_certificates
from sandbox.push import Courier, Message, Note, PushKnobs, judge_address
from tests.sandbox.receiver import receiving


@pytest.fixture
def knobs():
    return PushKnobs(push_attempts=2, push_backoff=timedelta(milliseconds=5))


@pytest.fixture
async def courier(knobs):
    made = Courier(
        now=lambda: datetime.now(UTC),
        knobs=lambda: knobs,
        render=lambda notes: Message({"x-notes": " ".join(note.kind for note in notes)}),
        retries=lambda status: status != 200,
    )
    yield made
    await made.aclose()


def note(hook, kind="changed", **more):
    return Note("w-1", "lane", f"{hook.url}/hook", kind, {}, **more)


async def settled(courier):
    assert await courier.settle(timedelta(seconds=5))


async def test_closing_ends_what_waits_what_is_late_and_what_is_on_the_wire(courier, hook, knobs):
    hook.sleep = 3
    courier.submit(note(hook))
    await asyncio.to_thread(hook.wait, 1)
    courier.faults.add("delay", ms=60_000)
    courier.submit(note(hook))
    await asyncio.sleep(0.03)
    knobs.push_settle = timedelta(minutes=1)
    courier.submit(note(hook))
    before = time.monotonic()
    await courier.aclose()
    assert time.monotonic() - before < 0.5
    assert await courier.settle(timedelta())
    assert len(hook.messages) == 1
    assert courier.attempts == []


async def test_after_cancelling_new_notes_go_out_again(courier, hook):
    courier.submit(note(hook, "first"))
    assert courier.cancel() == 1
    courier.submit(note(hook, "second"))
    await settled(courier)
    assert [got.headers["x-notes"] for got in hook.messages] == ["second"]


async def test_settling_gives_up_in_time(courier, hook):
    courier.faults.add("delay", ms=60_000)
    courier.submit(note(hook))
    assert not await courier.settle(timedelta(milliseconds=30))


async def test_a_note_that_is_not_wanted_any_more_is_not_sent(courier, hook):
    wanted = [True]
    courier.submit(note(hook, "kept", wanted=lambda: True))
    courier.submit(note(hook, "left", wanted=lambda: wanted[0]))
    wanted[0] = False
    await settled(courier)
    assert [attempt.kinds for attempt in courier.attempts] == [("kept",)]


async def test_only_what_coalesces_does_and_only_with_its_own_kind(courier, hook):
    for kind, coalesces in (("sync", False), ("exists", True), ("exists", True), ("gone", False)):
        courier.submit(note(hook, kind, coalesces=coalesces))
    courier.submit(replace(note(hook, "exists", coalesces=True), watch="w-2"))
    await settled(courier)
    told = [(attempt.watches[0], attempt.kinds[0]) for attempt in courier.attempts]
    assert told == [("w-1", "sync"), ("w-1", "exists"), ("w-1", "gone"), ("w-2", "exists")]


async def test_faults_of_different_kinds_act_on_one_note_together(courier, hook):
    for kind in ("forge", "duplicate", "delay"):
        courier.faults.add(kind, ms=30)
    courier.submit(note(hook, secret="mine"))
    await settled(courier)
    assert [attempt.faults for attempt in courier.attempts] == [("forge", "duplicate", "delay")] * 2


def test_reordering_without_an_end_is_refused(courier):
    with pytest.raises(ValueError, match="must be said"):
        courier.faults.add("reorder", times=None)


async def test_a_certificate_must_be_trusted(courier, knobs, tmp_path):
    certificates = ensure_certificates(tmp_path)
    with receiving(certificates.server_context()) as hook:
        courier.submit(note(hook))
        await settled(courier)
        assert [attempt.status for attempt in courier.attempts] == [None, None]
        assert "CERTIFICATE_VERIFY_FAILED" in courier.attempts[0].error
        knobs.push_authority = certificates.authority.read_text()
        courier.submit(note(hook))
        await settled(courier)
        assert courier.attempts[-1].status == 200
        knobs.push_authority = "nonsense"
        courier.submit(note(hook))
        await settled(courier)
        assert courier.attempts[-1].error.startswith(ssl.SSLError.__name__)


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        ("https://hooks.example.com/a?b=c", "good"),
        ("https://hooks.example.com:8443/", "good"),
        ("http://127.0.0.1:8000/", "good"),
        ("http://localhost/", "good"),
        ("http://[::1]:8000/", "good"),
        ("http://127.0.0.1.example.com/", "not_https"),
        ("http://hooks.example.com/", "not_https"),
        ("hooks.example.com", "invalid"),
        ("https://", "invalid"),
        ("https://[::1/", "invalid"),
        ("https://hooks.example.com:99999/", "invalid"),
        ("https://hooks.example.com/\n", "invalid"),
        (f"https://hooks.example.com/{'x' * 2048}", "invalid"),
    ],
)
def test_where_a_webhook_may_be(url, verdict):
    assert judge_address(url, http_to_loopback=True) == verdict


def test_plain_http_to_this_machine_may_be_forbidden():
    assert judge_address("http://127.0.0.1:8000/", http_to_loopback=False) == "not_https"
