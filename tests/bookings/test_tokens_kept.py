"""The token of a visitor's link: never stored, good under a changed signing key, and not for ever (P5)."""

import os
from datetime import timedelta

from pydantic import SecretBytes
from sqlalchemy import text

from app.bookings.tokens import BookingTokens, hash_token
from app.database import transaction
from app.ids import new_id
from tests.support.visitors import visit
from tests.support.world import World, problem


async def test_p5_the_database_never_holds_a_token_even_while_the_mail_waits(world: World) -> None:
    person = await world.connected()
    email = f"visitor-{new_id().hex}@example.com"
    booking = await visit(person, await person.make_page(), person.at(3, "10:00"), email=email)
    async with transaction(world.services.sessions, None) as session:
        tables = await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        names = tables.all()
    held = [name for name in names if booking.token in repr(await world.rows(f"SELECT t::text FROM {name} t"))]  # noqa: S608
    assert held == []
    await world.work()
    mails = await world.sandbox.mails(to=email)
    assert f"#token={booking.token}" in mails[0]["text"], "and the mail has it"


def test_p5_a_token_is_good_under_the_key_it_was_made_with_and_under_todays() -> None:
    first, today = (BookingTokens(SecretBytes(os.urandom(32))) for _ in range(2))
    subject = new_id()
    stored = hash_token(first.token(subject))
    assert today.match(first.token(subject), subject, stored), "the link in an old mail"
    assert today.match(today.token(subject), subject, stored), "the link in a new mail"
    assert not today.match(first.token(new_id()), subject, stored)
    assert not today.match(today.token(new_id()), subject, stored)


async def test_p5_a_link_ends_a_season_after_the_meeting(world: World) -> None:
    person = await world.connected()
    booking = await visit(person, await person.make_page(), person.at(3, "10:00"))
    world.clock.offset = timedelta(days=80)
    assert (await booking.read())["id"] == booking.id
    world.clock.offset = timedelta(days=100)
    answer = await person.api.get(booking.path, headers={"Booking-Token": booking.token})
    problem(answer, 401, "booking_token_invalid")
