"""Open extensions of events over HTTP. The one rule: an extension is part of its event, so it changes the event's key.

https://learn.microsoft.com/graph/api/opentypeextension-post-opentypeextension
"""

from urllib.parse import quote

from sandbox.microsoft import errors
from sandbox.microsoft.call import Answer, Call
from sandbox.microsoft.extensions import key_of, read_extension, render_extension, render_extensions
from sandbox.microsoft.parts import store
from sandbox.microsoft.times import Json
from sandbox.microsoft.views import View
from sandbox.microsoft.world import Calendar


def list_extensions(call: Call) -> Answer:
    calendar, view = call.event()
    return call.page(render_extensions(_seen(call, calendar, view)), lambda extension: extension, _fragment(call))


def get_extension(call: Call) -> Answer:
    _, _, held = _held(call)
    return _entity(call, held)


def create(call: Call) -> Answer:
    """One of a name that is there already takes its place. Delegates cannot: "an existing service limitation"."""
    calendar, view = call.event()
    if calendar.owner is not call.account:
        raise errors.access_denied()
    extension = read_extension(call.body)
    _store(call, calendar, view, key_of(extension["extensionName"]), extension)
    return _entity(call, extension, 201)


def update(call: Call) -> Answer:
    calendar, view, held = _held(call)
    extension = read_extension(call.body, held)
    _store(call, calendar, view, key_of(held["extensionName"]), extension)
    return _entity(call, extension)


def delete(call: Call) -> Answer:
    calendar, view, held = _held(call)
    _store(call, calendar, view, key_of(held["extensionName"]), None)
    return Answer(status=204)


def _seen(call: Call, calendar: Calendar, view: View) -> dict[str, Json]:
    """A client's data is among what only those see who see everything."""
    return view.extensions if call.reader(calendar).sees(view) == "full" else {}


def _held(call: Call) -> tuple[Calendar, View, Json]:
    calendar, view = call.event()
    held = _seen(call, calendar, view).get(key_of(call.params["extension"]))
    if held is None:
        raise errors.item_not_found()
    return calendar, view, held


def _store(call: Call, calendar: Calendar, view: View, key: str, extension: Json | None) -> None:
    call.match(calendar)(view.item)
    store(call.world, calendar, view, call.actor, part="extensions", key=key, value=extension)


def _fragment(call: Call) -> str:
    return f"events('{quote(call.params['event'])}')/extensions"


def _entity(call: Call, extension: Json, status: int = 200) -> Answer:
    return Answer({"@odata.context": call.context(f"{_fragment(call)}/$entity"), **render_extension(extension)}, status)
