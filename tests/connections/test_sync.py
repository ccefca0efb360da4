"""Keeping the mirror true: full and incremental sync, series, failures and recovery."""
from tests.support.world import World
async def test_x(world: World) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    import datetime
    seeded = await world.sandbox.seed_google(person.email, around=person.day(7), with_damage=True)
    print(seeded)
    await person.connect()
    import time
    t=time.time()
    print(await world.work(), time.time()-t)
    print((await person.get(f"/v1/connections/{person.connection_id}/sync")).json())
    print(await world.rows("select count(*), count(series_id), sum(busy) from mirror_events"))
    page = await person.make_page()
    slots = await person.slots(page["id"], person.day(1), person.day(10))
    print(len(slots), slots[:3])
    r = await person.book(page["id"], slots[5]["start_at"])
    print(r.status_code, r.text)
    print(await world.work())
    r2 = await person.book(page["id"], slots[5]["start_at"])
    print(r2.status_code, r2.text)
    own = (await person.get("/v1/bookings")).json()
    print(own["items"][0]["calendar_event"])
    tok = {"Booking-Token": r.json()["booking_token"]}
    bid = r.json()["id"]
    m = await world.api.post(f"/v1/public/bookings/{bid}/reschedule", json={"start_at": slots[9]["start_at"]}, headers=tok)
    print(m.status_code, m.text[:200]); print(await world.work())
    c = await world.api.post(f"/v1/public/bookings/{bid}/cancel", json={"reason":"no"}, headers=tok)
    print(c.status_code, c.text[:200]); print(await world.work())
    print([ (e["status"], e.get("start")) for e in await world.sandbox.google_events(person.email, deleted=True) if e.get("extendedProperties")])
    assert 0
