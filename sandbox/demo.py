"""`make demo`: the main job, once per provider, and the further journeys of a company, through the public HTTP API.

It prints one JSON object per step. All wire protocols are real.

The rule: every step checks what it prints. The first thing that is not so ends the demo with its name and exit code 1.
"""

import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import httpx

from sandbox import demo_domain, demo_lost_calendar, demo_offline, demo_proposal, demo_round_robin
from sandbox.client import Sandbox
from sandbox.demo_booking import (
    book_a_slot,
    cancel_by_the_visitors_link,
    count_what_the_provider_saw,
    find_the_event_in_the_calendar_exactly_once,
    find_the_invitation_in_the_mail,
    list_slots_that_avoid_every_busy_time,
    make_a_scheduling_page,
    refuse_a_second_booking_with_alternatives,
    reschedule_by_the_visitors_link,
)
from sandbox.demo_company import found_company
from sandbox.demo_connecting import (
    connect,
    prepare_a_busy_calendar,
    read_and_accept_the_disclosure,
    wait_for_the_first_sync,
)
from sandbox.demo_contacts import (
    find_the_visitor_among_the_contacts,
    make_a_meeting_on_the_contacts_record,
    read_the_whole_timeline,
    see_an_invitation_made_by_hand_on_the_timeline,
)
from sandbox.demo_feed import compare_the_feed_with_what_the_webhook_got, have_events_sent_to_a_webhook
from sandbox.demo_following import (
    find_the_move_in_the_mail,
    move_the_event_in_the_calendar,
    read_the_move_in_the_feed,
    receive_the_move_by_webhook,
    see_the_booking_follow,
    see_the_timeline_follow,
)
from sandbox.demo_journey import Demo, DemoError, Json
from sandbox.houses import HOUSES
from sandbox.stack import Stack
from sandbox.webhook_receiver import receiving


class Journey(Protocol):
    """Who takes part and what was learnt on the way."""

    @property
    def label(self) -> Json:
        """What is on each of the journey's lines."""


J = TypeVar("J", bound=Journey)
Step = Callable[[J], Awaitable[Json]]
STEPS: tuple[Step[Demo], ...] = (
    prepare_a_busy_calendar,
    have_events_sent_to_a_webhook,
    read_and_accept_the_disclosure,
    connect,
    wait_for_the_first_sync,
    make_a_scheduling_page,
    list_slots_that_avoid_every_busy_time,
    book_a_slot,
    find_the_event_in_the_calendar_exactly_once,
    find_the_invitation_in_the_mail,
    find_the_visitor_among_the_contacts,
    refuse_a_second_booking_with_alternatives,
    move_the_event_in_the_calendar,
    see_the_booking_follow,
    see_the_timeline_follow,
    read_the_move_in_the_feed,
    receive_the_move_by_webhook,
    find_the_move_in_the_mail,
    reschedule_by_the_visitors_link,
    cancel_by_the_visitors_link,
    make_a_meeting_on_the_contacts_record,
    see_an_invitation_made_by_hand_on_the_timeline,
    read_the_whole_timeline,
    count_what_the_provider_saw,
    compare_the_feed_with_what_the_webhook_got,
)


async def go_through(journey: J, steps: Sequence[Step[J]]) -> bool:
    """Every step in order, each with a line of its own; whether all went well."""
    for number, step in enumerate(steps, start=1):
        began = time.perf_counter()
        line: Json = {**journey.label, "step": number, "name": step.__name__}
        try:
            line |= {"ok": True, **await step(journey)}
        except (DemoError, httpx.HTTPError, LookupError, TimeoutError) as error:
            print(json.dumps(line | {"ok": False, "error": f"{type(error).__name__}: {error}"}), flush=True)
            return False
        print(json.dumps(line | {"seconds": round(time.perf_counter() - began, 2)}, ensure_ascii=False), flush=True)
    return True


async def demo() -> int:
    """Start everything on free ports, go through every journey, stop everything. Returns the exit code."""
    async with (
        Stack() as stack,
        Sandbox(stack.sandbox_url) as sandbox,
        httpx.AsyncClient(base_url=stack.api_url, timeout=30) as api,
    ):
        ok = await _main_job(api, sandbox) and await _further_journeys(api, sandbox)
    print(f"demo: {'ok' if ok else 'failed'}", flush=True)
    return 0 if ok else 1


async def _main_job(api: httpx.AsyncClient, sandbox: Sandbox) -> bool:
    """Once per provider, each in an account of its own."""
    for house in HOUSES:
        with receiving() as receiver:
            if not await go_through(Demo(api, sandbox, house(sandbox), receiver), STEPS):
                return False
    return True


async def _further_journeys(api: httpx.AsyncClient, sandbox: Sandbox) -> bool:
    """In one account, whose people have connected calendars from the first journey on."""
    company = await found_company(api, sandbox)
    return (
        await go_through(demo_round_robin.RoundRobin(company), demo_round_robin.STEPS)
        and await go_through(demo_offline.Offline(company.olof), demo_offline.STEPS)
        and await go_through(demo_lost_calendar.LostCalendar(company.gerda), demo_lost_calendar.STEPS)
        and await go_through(demo_domain.OwnDomain(company), demo_domain.STEPS)
        and await go_through(demo_proposal.Proposal(company), demo_proposal.STEPS)
    )
