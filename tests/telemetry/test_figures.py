"""A real journey, and the numbers it leaves with whoever runs the service (P3)."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pgqueuer.models import Job as QueuedJob

from app import worker
from app.queue import Job
from tests.calendar_writes.test_writing import booked
from tests.support.visitors import fault, visit
from tests.support.world import World, problem
from tests.telemetry.scrape import Meter


async def test_a_booking_is_counted_from_the_request_to_the_calendar_and_the_mails(world: World) -> None:
    meter = Meter()
    person = await world.connected()
    page = await person.make_page()
    await visit(person, page, person.at(3, "10:00"))
    await world.work()
    assert meter.counted("http_requests_total", operation="bookMeeting", status="2xx") == 1
    assert meter.counted("http_request_duration_seconds_count", operation="bookMeeting") == 1
    assert meter.counted("bookings_total", outcome="booked") == 1
    assert meter.counted("provider_calls_total", provider="google", operation="google.create_event", outcome="ok") == 1
    assert meter.counted("provider_call_duration_seconds_count", operation="google.create_event") == 1
    assert meter.counted("calendar_writes_total", provider="google", outcome="written") == 1
    assert meter.counted("syncs_total", provider="google", kind="full", outcome="ok") == 1
    assert meter.counted("mails_total", outcome="sent") == meter.counted("mail_duration_seconds_count") > 0


async def test_who_loses_a_slot_is_counted_by_the_reason_told(world: World) -> None:
    person, _ = await booked(world)
    page = (await person.get("/v1/scheduling-pages")).json()["items"][0]
    meter = Meter()
    problem(await person.book(page["id"], person.at(3, "10:00").isoformat()), 409, "slot_unavailable")
    assert meter.counted("bookings_total", outcome="slot_unavailable") == 1
    assert meter.counted("bookings_total") == 1
    assert meter.counted("http_problems_total", operation="bookMeeting", code="slot_unavailable") == 1
    assert meter.counted("http_requests_total", operation="bookMeeting", status="4xx") == 1


async def test_a_repeated_request_is_no_second_booking(world: World) -> None:
    person = await world.connected()
    page, meter = await person.make_page(), Meter()
    for status in (201, 201):
        again = {"Idempotency-Key": "the-same-key-again"}
        assert (await person.book(page["id"], person.at(3, "10:00").isoformat(), again)).status_code == status
    assert meter.counted("http_requests_total", operation="bookMeeting", status="2xx") == 2
    assert meter.counted("bookings_total") == 1


OUTCOMES: list[tuple[Any, str, str]] = [
    ("too_many_requests", "throttled", "rate_limited"),
    ("quota_exceeded", "throttled", "quota_exceeded"),
    ("lost_after_commit", "ambiguous", "ambiguous_outcome"),
]


@pytest.mark.parametrize(("kind", "outcome", "code"), OUTCOMES, ids=[kind for kind, _, _ in OUTCOMES])
async def test_what_a_provider_did_to_a_call_can_be_told_apart(
    world: World, kind: str, outcome: str, code: str
) -> None:
    person, _ = await booked(world)
    await fault(world, person, kind, method="POST", path="/events$")
    meter = Meter()
    await world.work(until=timedelta(hours=2))  # a quota is waited for
    assert meter.counted("provider_calls_total", operation="google.create_event", outcome=outcome) == 1
    assert meter.counted("calendar_writes_total", outcome=code) == 1
    assert meter.counted("calendar_writes_total", outcome="written") == 1
    await world.sandbox.clear_google_faults()


async def test_a_failed_read_and_a_dead_grant_are_counted_where_they_were_met(world: World) -> None:
    person = await world.connected()
    await fault(world, person, "backend_error", method="GET", path="/events$")
    meter = Meter()
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    await world.sandbox.clear_google_faults()
    assert meter.counted("provider_calls_total", provider="google", outcome="failed") == 1
    assert meter.counted("syncs_total", kind="changes", outcome="provider_unavailable") == 1
    await world.sandbox.revoke_google(person.email)
    world.clock.offset += timedelta(hours=2)  # the access token is over by then
    await world.sandbox.advance_clock(7200)
    await person.refresh_token()
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    await world.sandbox.reset_clock()
    assert meter.counted("token_refreshes_total", provider="google", outcome="reauthorization_required") == 1
    assert meter.counted("provider_calls_total", operation="google.refresh", outcome="refused") == 1


async def test_pushes_are_counted_by_whether_they_are_believed(world: World) -> None:
    meter = Meter()
    told = {"X-Goog-Channel-ID": "nobody's", "X-Goog-Channel-Token": "x", "X-Goog-Resource-State": "exists"}
    await world.api.post("/v1/provider-notifications/google", headers=told)
    assert meter.counted("pushes_total", outcome="unknown") == meter.counted("pushes_total") == 1


async def test_what_no_operation_answers_is_one_kind_however_it_is_called(world: World) -> None:
    meter = Meter()
    for _ in range(3):
        await world.api.get(f"/v1/{uuid.uuid4().hex}")
    assert meter.counted("http_requests_total", operation="none", status="4xx") == 3


def queued(job: Job, *, waited: timedelta) -> QueuedJob:
    now = datetime.now(UTC)
    return QueuedJob(
        id=1,
        priority=0,
        created=now,
        updated=now,
        heartbeat=now,
        execute_after=now - waited,
        status="picked",
        entrypoint=job.value,
        payload=f'{{"account_id":"{uuid.uuid4()}","id":"{uuid.uuid4()}"}}'.encode(),
        queue_manager_id=None,
        headers=None,
    )


async def test_jobs_are_counted_timed_and_their_wait_told() -> None:
    async def good(_: uuid.UUID, __: uuid.UUID) -> None:
        await asyncio.sleep(0)

    async def bad(_: uuid.UUID, __: uuid.UUID) -> None:
        raise ZeroDivisionError

    meter = Meter()
    await worker._entrypoint(Job.PRUNE_EVENTS, good)(queued(Job.PRUNE_EVENTS, waited=timedelta(seconds=100)))
    with pytest.raises(worker.JobFailedError):
        await worker._entrypoint(Job.PRUNE_EVENTS, bad)(queued(Job.PRUNE_EVENTS, waited=timedelta(seconds=-5)))
    assert meter.counted("job_runs_total", job="prune_events", outcome="ok") == 1
    assert meter.counted("job_runs_total", job="prune_events", outcome="failed") == 1
    assert meter.counted("job_duration_seconds_count", job="prune_events") == 2
    assert 100 <= meter.counted("job_wait_seconds_sum", job="prune_events") < 160


async def test_a_failing_sweep_is_counted() -> None:
    stop, meter = asyncio.Event(), Meter()

    async def bad() -> None:
        stop.set()
        raise ZeroDivisionError

    await worker._again_and_again(worker.Sweep("old_events", 0.01, bad), stop)
    assert meter.counted("sweep_failures_total", sweep="old_events") == 1
