"""Connecting a Google calendar: disclosure, consent, and what must be refused (R3, R5-R8, R12, R15-R17)."""

from tests.support.world import World, problem


async def test_r6_consent_makes_a_connection_with_its_calendars(world: World) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    done = await person.connect()
    assert done["status"] == "completed", done
    connection = (await person.get(f"/v1/connections/{person.connection_id}")).json()
    assert (connection["provider"], connection["email"], connection["status"]) == ("google", person.email, "active")
    calendars = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    assert [calendar["is_primary"] for calendar in calendars] == [True]
    assert calendars[0]["availability_calendar"]
    ran = await world.work()
    assert ran >= 1
    sync = (await person.get(f"/v1/connections/{person.connection_id}/sync")).json()
    assert sync["calendars"][0]["state"] == "idle"
    assert sync["calendars"][0]["lag_seconds"] is not None
