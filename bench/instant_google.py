"""A Google that answers every free/busy question at once, with nothing: the live check at the price of the wire alone.

The one rule: it answers on the real wire, so the service does all it does for the real one; and only this question.

    python -m bench.instant_google PORT
"""

import sys

import msgspec
from starlette.types import Receive, Scope, Send

from bench.floor_app import serve

PATH = "/freeBusy"


class _Item(msgspec.Struct):
    id: str


class _Question(msgspec.Struct):
    items: list[_Item]


async def instant_google(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application."""
    assert scope["type"] == "http"  # uvicorn takes the refusal of anything else for "not supported"
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    if scope["path"] != PATH:
        await _answer(send, 404, b"{}")
        return
    question = msgspec.json.decode(body, type=_Question)
    calendars: dict[str, dict[str, list[str]]] = {item.id: {"busy": []} for item in question.items}
    await _answer(send, 200, msgspec.json.encode({"kind": "calendar#freeBusy", "calendars": calendars}))


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    serve(instant_google, int(sys.argv[1]))
