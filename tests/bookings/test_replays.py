"""A booking that is asked for again by its key is told again as it was, whoever hosts it (R44)."""

from tests.support.teams import colleagues, team_page
from tests.support.visitors import held
from tests.support.world import World


async def test_r44_a_repeated_booking_of_a_round_robin_names_who_comes_and_not_who_is_first(world: World) -> None:
    people = await colleagues(world, 2)
    for person, name in zip(people, ("Ada", "Ben"), strict=True):
        await world.rows("UPDATE users SET name = $1 WHERE email = $2", name, person.email)
    page, start = await team_page(people, "round_robin"), people[0].at(3, "10:00").isoformat()
    hosts = []
    for number in range(2):
        key = {"Idempotency-Key": f"key-{number}"}
        first, again = [await people[0].book(page["id"], start, key) for _ in range(2)]
        assert (first.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
        assert again.json() == first.json()
        read = await held(world.api, first).read()
        assert read | {"booking_token": first.json()["booking_token"]} == first.json()
        hosts.append(read["host_name"])
    assert sorted(hosts) == ["Ada", "Ben"]
