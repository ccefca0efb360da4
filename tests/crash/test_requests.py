"""The API's process dies between any two awaits of a request that makes a meeting; its caller asks once more with the
same key, and everything becomes as if nobody had died (P2).

The one rule: the caller knows nothing but that there was no answer.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx

from app.bootstrap import Services
from app.ids import decode_id
from app.main import attach, create_app
from tests.crash.checks import check, same
from tests.crash.hands import MINUTES
from tests.crash.pictures import Picture, before, picture
from tests.crash.process import Process
from tests.crash.scene import Scene, Subject, open_scene
from tests.crash.telling import spread
from tests.crash.workers import Place
from tests.support.declared import DeclaredOnly
from tests.support.world import World

_FEW = 5


async def test_p2_a_request_whose_process_dies_is_made_once(world: World) -> None:
    async with open_scene(world, "google") as scene:
        plain, steps = await _play(scene, None)
        assert (plain.written, plain.letters) == ({"insert": 1}, [("invitation", "the visitor")])
        for step in spread(range(1, steps + 1), few=_FEW):
            seen, _ = await _play(scene, step)
            try:
                same(seen, plain, Place("the request", 1, step))
            except AssertionError as error:
                raise AssertionError(f"the API died at step {step}: {error}") from error


async def _play(scene: Scene, step: int | None) -> tuple[Picture, int]:
    """What became of it, and how many steps the request took."""
    subject = scene.subject()
    await scene.make_contact(subject)
    await scene.settled()
    since = await before(scene, subject)
    key = {"Idempotency-Key": f"meeting-{scene.told}"}
    app = create_app(scene.world.services.settings)

    async def ask(services: Services) -> None:
        attach(app, services)
        transport = DeclaredOnly(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as api:
            answer = await replace(scene.person, api=api).post(_path(subject), _wish(scene, subject), **key)
            assert answer.status_code == 201, answer.text

    async with Process.started(scene.world, scene.database) as process:
        await process.run(ask, until=step)
    again = await scene.person.post(_path(subject), _wish(scene, subject), **key)
    assert again.status_code == 201, again.text
    subject.engagement = decode_id("eng", again.json()["id"])
    await scene.settled()
    await scene.workers.recover()
    standing = await scene.hands.standing()
    await check(scene, standing)
    return await picture(scene, subject, since, standing), process.steps


def _path(subject: Subject) -> str:
    return f"/v1/contacts/{subject.contact}/meetings"


def _wish(scene: Scene, subject: Subject) -> dict[str, Any]:
    return {
        "title": "Demo",
        "start_at": subject.start.isoformat(),
        "end_at": (subject.start + timedelta(minutes=MINUTES)).isoformat(),
        "time_zone": scene.person.time_zone,
    }
