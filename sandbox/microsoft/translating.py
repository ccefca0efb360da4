"""translateExchangeIds: the same thing's id in another format. The one rule: only ids of this mailbox are translated.

Of the five formats the three that clients of Graph and EWS hold: `restId`, `restImmutableEntryId`, `ewsId` (which is
`restId` in the other alphabet of Base64). https://learn.microsoft.com/graph/api/user-translateexchangeids
"""

from dataclasses import replace

from sandbox.microsoft import errors
from sandbox.microsoft.call import Answer, Call
from sandbox.microsoft.errors import GraphError
from sandbox.microsoft.ids import EventId, immutable_id, mutable_id, read_event_id
from sandbox.microsoft.shapes import TEXT, Choice, Many, Struct
from sandbox.microsoft.times import Json

_FORMATS = ("entryId", "ewsId", "immutableEntryId", "restId", "restImmutableEntryId")
_KNOWN = frozenset({"ewsId", "restId", "restImmutableEntryId"})
_IDS_MAX = 1000
_REST, _EWS = "-_", "/+"
TRANSLATION = Struct(
    "translateExchangeIds",
    {"inputIds": Many(TEXT), "sourceIdType": Choice(_FORMATS), "targetIdType": Choice(_FORMATS)},
)


def translate_ids(call: Call) -> Answer:
    given, source, target = (call.body.get(name) for name in ("inputIds", "sourceIdType", "targetIdType"))
    if not given or len(given) > _IDS_MAX:
        raise errors.invalid_parameter(f"The 'InputIds' parameter must have 1 to {_IDS_MAX} ids.")
    if source not in _KNOWN or target not in _KNOWN:
        raise errors.invalid_parameter("The conversion between these types of ids is not supported.")
    context = f"{call.base}/$metadata#Collection(microsoft.graph.convertIdResult)"
    return Answer({"@odata.context": context, "value": [_translated(call, each, source, target) for each in given]})


def _translated(call: Call, identifier: str, source: str, target: str) -> Json:
    """One that cannot be translated says why, and is no error for the others."""
    try:
        where = _found(call, _in_rest(identifier, source))
    except GraphError as error:
        return {"sourceId": identifier, "errorDetails": {"code": error.code, "message": error.message}}
    text = immutable_id(replace(where, folder=None)) if target == "restImmutableEntryId" else mutable_id(where)
    return {"sourceId": identifier, "targetId": _in_ews(text) if target == "ewsId" else text}


def _found(call: Call, identifier: str) -> EventId:
    where = read_event_id(identifier)
    if where is None:
        raise errors.malformed_id()
    for calendar in call.mailbox.calendars:
        item = calendar.items.get(where.item)
        if calendar.owner is call.mailbox and item is not None and not item.deleted:
            return replace(where, folder=calendar.token)
    raise errors.item_not_found()


def _in_rest(identifier: str, source: str) -> str:
    return identifier.translate(str.maketrans(_EWS, _REST)) if source == "ewsId" else identifier


def _in_ews(identifier: str) -> str:
    return identifier.translate(str.maketrans(_REST, _EWS))
