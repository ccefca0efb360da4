"""What Google's channel messages say. They have no body."""

import pytest
from starlette.datastructures import Headers

from app.providers.google.push import signals
from app.providers.push import News, Signal

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
