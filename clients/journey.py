"""The whole journey with the generated Python client: from signing in to a booking that is called off.

The one rule: no path and no field is written here that the client does not know. `docs/clients.md` shows its regions.

    API_URL=http://127.0.0.1:8000 API_TOKEN=… python journey.py

The token is one that the CRM's identity provider gave to a user. `open` says which page the user has to open.
"""

# region imports
import os
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import httpx
from calendar_connect_client import AuthenticatedClient, Client
from calendar_connect_client.api.account import get_me
from calendar_connect_client.api.booking import (
    book_meeting,
    cancel_public_booking,
    list_public_slots,
    reschedule_public_booking,
)
from calendar_connect_client.api.bookings import list_bookings
from calendar_connect_client.api.connecting import (
    create_connection_authorization,
    get_connection_authorization,
    get_provider_disclosure,
)
from calendar_connect_client.api.connections import get_connection_sync
from calendar_connect_client.api.scheduling_pages import create_scheduling_page
from calendar_connect_client.models import (
    AlternativeTime,
    Booking,
    BookingCancel,
    BookingCreate,
    BookingReschedule,
    ConnectionAuthorizationCreate,
    ConnectionAuthorizationCreateClient,
    ConnectionAuthorizationCreateProvider,
    Problem,
    PublicBooking,
    SchedulingPage,
    SchedulingPageCreate,
    SchedulingPageCreateType,
    Slot,
)
from calendar_connect_client.types import UNSET, Unset

# endregion

ZONE = "America/New_York"
MINUTES = 30
PATIENCE = 120  # seconds

# region answered
T = TypeVar("T")


class Refused(Exception):
    """The API said no; `problem.code` says why, `retry_after` in how many seconds the same may be sent again."""

    def __init__(self, problem: Problem, retry_after: str | None) -> None:
        super().__init__(f"{problem.code}: {problem.detail}")
        self.problem = problem
        self.retry_after = None if retry_after is None else float(retry_after)


class NotAnswered(Exception):
    """What came was not of the API: of a proxy before it, perhaps."""


def answered(answer: T | Problem | None, retry_after: str | None = None) -> T:
    """What was asked for. Raises Refused, NotAnswered."""
    if isinstance(answer, Problem):
        raise Refused(answer, retry_after)
    if answer is None:
        raise NotAnswered
    return answer


# endregion


# region patience
def patiently(send: Callable[[], T], *, tries: int = 5) -> T:
    """Send the same again when no answer came, and when the API says that it is worth it."""
    for tried in range(tries - 1):
        try:
            return send()
        except (httpx.TransportError, NotAnswered):
            time.sleep(2**tried)
        except Refused as refused:
            if refused.retry_after is None:
                raise
            time.sleep(refused.retry_after)
    return send()


# endregion


# region connect
def connect(host: AuthenticatedClient) -> str:
    """The connection's id, once the user has consented at the provider."""
    disclosure = answered(get_provider_disclosure.sync("google", client=host))
    wish = ConnectionAuthorizationCreate(
        provider=ConnectionAuthorizationCreateProvider.GOOGLE,
        client=ConnectionAuthorizationCreateClient.WEB,
        disclosure_version=disclosure.version,  # the user has read it, and agrees
    )
    started = answered(create_connection_authorization.sync(client=host, body=wish))
    print(f"open: {started.authorization_url}", flush=True)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        asked = answered(get_connection_authorization.sync(started.id, client=host))
        if asked.status == "completed" and asked.connection_id is not None:
            return asked.connection_id
        if asked.status != "pending":
            raise RuntimeError(f"not connected: {asked.status}, {asked.detail}")
        time.sleep(0.5)
    raise TimeoutError("nobody opened the provider's page")


def wait_until_read(host: AuthenticatedClient, connection_id: str) -> None:
    """Wait until the calendar was read for the first time."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        sync = answered(get_connection_sync.sync(connection_id, client=host))
        if all(calendar.last_success_at is not None for calendar in sync.calendars):
            return
        time.sleep(0.5)
    raise TimeoutError("the calendar was not read")


# endregion


# region page
def make_page(host: AuthenticatedClient) -> SchedulingPage:
    """A page with half hours on working days; what is not said takes its default."""
    page = SchedulingPageCreate(
        name="Intro call", type_=SchedulingPageCreateType.PERSONAL, durations_minutes=[MINUTES], time_zone=ZONE
    )
    return answered(create_scheduling_page.sync(client=host, body=page))


def free_times(visitor: Client, page_id: str) -> list[Slot]:
    """What a visitor can choose from in the next two weeks."""
    tomorrow = datetime.now(ZoneInfo(ZONE)).date() + timedelta(days=1)
    slots = list_public_slots.sync(
        page_id,
        client=visitor,
        time_zone=ZONE,
        first_day=tomorrow,
        last_day=tomorrow + timedelta(days=13),
        duration_minutes=MINUTES,
    )
    return answered(slots).items


# endregion


# region book
def book(visitor: Client, page_id: str, start_at: datetime, *, name: str, email: str, key: str) -> PublicBooking:
    """The same key and the same wish are one booking, however often they are sent."""
    wish = BookingCreate(start_at=start_at, duration_minutes=MINUTES, name=name, email=email, time_zone=ZONE)

    def send() -> PublicBooking:
        try:
            response = book_meeting.sync_detailed(page_id, client=visitor, body=wish, idempotency_key=key)
        except ValueError as error:  # no JSON
            raise NotAnswered from error
        booked = answered(response.parsed, response.headers.get("Retry-After"))
        if not isinstance(booked, PublicBooking):
            raise TypeError("the host has no calendar: this is a request, to be accepted later")
        return booked

    return patiently(send)


# endregion


# region conflict
def book_or_offer(
    visitor: Client, page_id: str, wanted: datetime, *, name: str, email: str, key: str
) -> PublicBooking | list[AlternativeTime]:
    """The booking, or other open times to show. Which of them the visitor takes is a new wish, with a new key."""
    try:
        return book(visitor, page_id, wanted, name=name, email=email, key=key)
    except Refused as refused:
        if refused.problem.code != "slot_unavailable":
            raise
        return refused.problem.alternatives or []


# endregion


# region change
def change(api_url: str, booked: PublicBooking, to: datetime) -> PublicBooking:
    """Move a booking, then call it off, as the visitor who holds its token."""
    visitor = AuthenticatedClient(
        base_url=api_url, token=str(booked.booking_token), prefix="", auth_header_name="Booking-Token"
    )
    moved = answered(reschedule_public_booking.sync(booked.id, client=visitor, body=BookingReschedule(start_at=to)))
    print(f"moved: {moved.id}")
    return answered(cancel_public_booking.sync(booked.id, client=visitor, body=BookingCancel(reason="ill")))


# endregion


# region paginate
def every_booking(host: AuthenticatedClient, *, at_once: int = 100) -> Iterator[Booking]:
    """All of the host's bookings; `at_once` of them come with each answer."""
    cursor: str | Unset = UNSET
    while True:
        part = answered(list_bookings.sync(client=host, limit=at_once, cursor=cursor))
        yield from part.items
        if part.next_cursor is None:
            return
        cursor = part.next_cursor


# endregion


# region problem
def what_to_do(problem: Problem) -> str:
    """Switch on the code; the detail is for people, in their language. A code you do not know counts as its status."""
    match problem.code:
        case "validation_failed":
            return "correct " + ", ".join(f"{field.pointer} ({field.code})" for field in problem.errors)
        case "slot_unavailable" | "hold_expired":
            return "choose another time"
        case "rate_limited" | "request_in_progress" | "overloaded":
            return "wait as long as Retry-After says, then send the same again with the same key"
        case "booking_unavailable":
            return "the same where there is a Retry-After; else the host is unavailable"
        case _:
            return "tell the person" if problem.status < 500 else "send the same again later"


# endregion


def main(api_url: str, token: str) -> None:
    """Go all the way, and say what happened."""
    # region sign-in
    host = AuthenticatedClient(base_url=api_url, token=token)
    visitor = Client(base_url=api_url)
    me = answered(get_me.sync(client=host))
    # endregion
    print(f"signed in: {me.user.email if me.user else 'a service'}")
    connection_id = connect(host)
    wait_until_read(host, connection_id)
    print(f"connected: {connection_id}")
    page = make_page(host)
    print(f"page: {page.id}")
    slots = free_times(visitor, page.id)
    print(f"free times: {len(slots)}")
    grace = {"name": "Grace", "email": "grace@example.com", "key": str(uuid.uuid4())}
    first = book(visitor, page.id, slots[2].start_at, **grace)
    print(f"booked: {first.id}")
    again = book(visitor, page.id, slots[2].start_at, **grace)
    print(f"repeated: {again.id}")
    alan = {"name": "Alan", "email": "alan@example.com"}
    offered = book_or_offer(visitor, page.id, slots[2].start_at, **alan, key=str(uuid.uuid4()))
    if isinstance(offered, PublicBooking):
        raise TypeError("two bookings of one time")
    print(f"taken: {len(offered)} other times are offered")
    second = book(visitor, page.id, offered[0].start_at, **alan, key=str(uuid.uuid4()))
    print(f"booked instead: {second.id}")
    cancelled = change(api_url, first, slots[-1].start_at)
    print(f"cancelled: {cancelled.id}")
    listed = [f"{booking.id} {booking.status}" for booking in every_booking(host, at_once=1)]
    print(f"listed: {', '.join(sorted(listed))}")
    try:
        book(visitor, page.id, slots[4].start_at, name="Nobody", email="no address", key=str(uuid.uuid4()))
    except Refused as refused:
        print(f"refused: {what_to_do(refused.problem)}")


if __name__ == "__main__":
    main(os.environ["API_URL"], os.environ["API_TOKEN"])
