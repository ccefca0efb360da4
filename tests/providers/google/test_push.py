"""What Google's channel messages say, which have no body; and how long a channel lives."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.datastructures import Headers

from app.providers.google.push import signals
from app.providers.push import Callback, News, Signal, Watch
from tests.providers.google.scripted_google import CALENDAR, NOW, provider_at, scripted_google
from tests.providers.scripted import Reply
from tests.providers.tokens import Tokens

CHANNEL = {"X-Goog-Channel-ID": "c1", "X-Goog-Channel-Token": "s", "X-Goog-Message-Number": "7"}


@pytest.mark.parametrize(
    ("state", "news"), [("sync", News.STARTED), ("exists", News.CHANGED), ("not_exists", News.CHANGED)]
)
def test_every_state_is_understood_however_its_headers_are_spelt(state: str, news: News) -> None:
    headers = Headers({name.lower(): value for name, value in {**CHANNEL, "X-Goog-Resource-State": state}.items()})
    assert signals(headers) == (Signal("c1", "s", news),)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        CHANNEL,
        {**CHANNEL, "X-Goog-Resource-State": "update"},
        {**CHANNEL, "X-Goog-Resource-State": "exists", "X-Goog-Channel-ID": ""},
        {**CHANNEL, "X-Goog-Resource-State": "exists", "X-Goog-Channel-ID": "c" * 256},
    ],
)
def test_what_is_no_message_of_a_channel_says_nothing(headers: dict[str, str]) -> None:
    assert signals(Headers(headers)) == ()


@pytest.mark.parametrize("expiration", ["1774000000000", 1774000000000])
async def test_when_a_channel_ends_is_told_as_a_text_or_as_a_number(expiration: object) -> None:
    callback = Callback("https://us.example.com/n", "https://us.example.com/l", "s")
    async with scripted_google() as server, provider_at(server) as provider:
        answer = {"kind": "api#channel", "id": "c1", "resourceId": "r1", "expiration": expiration}
        server.script(Reply(body=answer))
        watch = await provider.watches(Tokens()).start(CALENDAR, "c1", callback, until=NOW + timedelta(days=7))
    assert watch == Watch("c1", "r1", datetime.fromtimestamp(1774000000, UTC))
