"""The whole journey through the Python client that is generated from `openapi.json`.

The one rule: nothing here knows a path or a field that the document does not tell.
"""

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.people import WEEKDAYS
from tests.support.world import World

PACKAGE = "journey_client"


@pytest.fixture(scope="module")
def client_package(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The generated package's name, importable."""
    folder = tmp_path_factory.mktemp("generated")
    generator = Path(sys.executable).with_name("openapi-python-client")
    arguments = ["generate", "--path", "openapi.json", "--meta", "none", "--overwrite", "--fail-on-warning"]
    config = ["--config", "contract/python-client.yaml", "--output-path", str(folder / PACKAGE)]
    done = subprocess.run(  # noqa: S603 - our own tool
        [generator, *arguments, *config], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    return PACKAGE


class Client:
    """The generated client: operations and models by name."""

    def __init__(self, package: str, world: World, headers: dict[str, str]) -> None:
        self._package = package
        client = importlib.import_module(f"{package}.client").Client(base_url="http://api.test")
        transport = world.api._transport
        self._client = client.set_async_httpx_client(
            httpx.AsyncClient(transport=transport, base_url="http://api.test", headers=headers)
        )

    async def call(self, operation: str, *arguments: Any, **named: Any) -> Any:
        """The parsed answer of an operation, named `tag.operation`."""
        module = importlib.import_module(f"{self._package}.api.{operation}")
        answer = await module.asyncio_detailed(*arguments, client=self._client, **named)
        assert answer.status_code < 400, answer.content
        return answer.parsed

    def model(self, schema: str, /, **fields: Any) -> Any:
        """A body, made from plain JSON."""
        return getattr(importlib.import_module(f"{self._package}.models"), schema).from_dict(fields)


async def test_the_generated_python_client_goes_the_whole_way(world: World, client_package: str) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    await world.sandbox.seed_google(person.email, around=person.day(5))
    host, visitor = Client(client_package, world, person.headers), Client(client_package, world, {})

    assert (await host.call("account.get_me")).connection_limit.used == 0
    disclosure = await host.call("connecting.get_provider_disclosure", "google")
    wish = host.model(
        "ConnectionAuthorizationCreate", provider="google", client="web", disclosure_version=disclosure.version
    )
    started = await host.call("connecting.create_connection_authorization", body=wish)
    assert (await person.consent(started.authorization_url)).status_code == 303
    finished = await host.call("connecting.get_connection_authorization", started.id)
    assert finished.status == "completed"
    await world.work()
    synced = await host.call("connections.get_connection_sync", finished.connection_id)
    assert synced.calendars[0].state == "idle"

    hours = [{"day": day, "start": "08:00", "end": "20:00"} for day in WEEKDAYS]
    page = await host.call(
        "scheduling_pages.create_scheduling_page",
        body=host.model("SchedulingPageCreate", type="personal", name="Intro", weekly_hours=hours),
    )
    slots = await visitor.call(
        "booking.list_public_slots", page.id, time_zone="Asia/Kolkata", first_day=person.day(2),
        last_day=person.day(9), duration_minutes=30,
    )  # fmt: skip
    first, second = slots.items[3], slots.items[9]
    form = visitor.model(
        "BookingCreate", start_at=first.start_at.isoformat(), duration_minutes=30, name="Vera", email="v@example.com",
        time_zone="Asia/Kolkata",
    )  # fmt: skip
    booking = await visitor.call("booking.book_meeting", page.id, body=form, idempotency_key="journey-1")
    assert (booking.kind, booking.start_at) == ("booking", first.start_at)
    await world.work()
    assert (await host.call("bookings.get_booking", booking.id)).calendar_event.status == "written"

    own = Client(client_package, world, {"Booking-Token": booking.booking_token})
    move = own.model("BookingReschedule", start_at=second.start_at.isoformat())
    moved = await own.call("booking.reschedule_public_booking", booking.id, body=move)
    assert moved.start_at == second.start_at
    gone = await own.call("booking.cancel_public_booking", booking.id, body=own.model("BookingCancel", reason="ill"))
    assert gone.status == "cancelled"
    await world.work()
    listed = await host.call("bookings.list_bookings")
    assert [(item.id, item.status) for item in listed.items] == [(booking.id, "cancelled")]
    await host.call("connections.disconnect_connection", finished.connection_id)
    assert (await host.call("scheduling_pages.get_scheduling_page", page.id)).mode == "offline"
