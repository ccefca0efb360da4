"""GetServerTimeZones, ConvertId, ResolveNames and what else the directory tells.

The one rule: they read; nothing here changes a mailbox. The organisation has no lists, of people or of rooms.
"""

from sandbox.exchange.call import Call, Task, answer, response
from sandbox.exchange.errors import Refusal
from sandbox.exchange.ids import InvalidId, StoreId, read_format, write_format
from sandbox.exchange.markup import MESSAGES, TYPES, Markup, boolean, element
from sandbox.exchange.reading import Node
from sandbox.exchange.rendering import mailbox as render_mailbox
from sandbox.exchange.world import Mailbox
from sandbox.exchange.zones import definition, find_zone, known_ids

_MOST_NAMES = 100
_MOST_ADDRESSES = 3
_NO_NAMES = frozenset({"", ",", "-"})


def get_server_time_zones(call: Call) -> Markup:
    """All zones, or those asked for by name; a name that is not known is left out, as Exchange does."""

    def run() -> list[Markup]:
        asked = call.body.find("m:Ids")
        names = sorted(known_ids()) if asked is None else [node.text for node in asked]
        full = call.body.attributes.get("ReturnFullTimeZoneData", "true") in {"true", "1"}
        zones = (find_zone(name) for name in names)
        rows = (definition(zone, full=full) for zone in zones if zone is not None)
        return [element("m:TimeZoneDefinitions", *rows)]

    return answer(call, "GetServerTimeZones", [run])


def convert_id(call: Call) -> Markup:
    sources = call.body.find("m:SourceIds")
    assert sources is not None

    def task(node: Node) -> Task:
        def run() -> list[Markup]:
            return [_convert(call, node)]

        return run

    return answer(call, "ConvertId", [task(node) for node in sources])


def _convert(call: Call, node: Node) -> Markup:
    if node.name != "t:AlternateId":
        raise Refusal("ErrorInvalidIdMalformed")
    address = node.attributes["Mailbox"]
    mailbox = call.world.find_mailbox(address)
    if mailbox is None or not mailbox.enabled:
        raise Refusal("ErrorNonExistentMailbox")
    form = call.body.attributes["DestinationFormat"]
    try:
        store_id: StoreId = read_format(node.attributes["Id"], node.attributes["Format"], mailbox.guid)
    except InvalidId as error:
        raise Refusal(error.code, str(error)) from error
    converted = write_format(store_id, form)
    return element("m:AlternateId", Format=form, Id=converted, Mailbox=address, xsi_type="t:AlternateIdType")


def resolve_names(call: Call) -> Markup:
    """By address, name or the beginning of either. One match is an answer, several are a warning.

    Only the directory knows anybody: nobody's contacts have an entry.
    """
    entry = (call.body.text_of("m:UnresolvedEntry") or "").strip()
    wanted = entry.casefold().removeprefix("smtp:")
    if wanted in _NO_NAMES:
        return _unresolved("ErrorInvalidNameForNameResolution")
    searched = call.world.mailboxes.values() if call.body.attributes.get("SearchScope") != "Contacts" else ()
    found = [one for one in searched if one.enabled and _matches(one, wanted)]
    if not found:
        return _unresolved("ErrorNameResolutionNoResults")
    full = call.body.attributes["ReturnFullContactData"] in {"true", "1"}
    return response("ResolveNames", element("m:ResponseMessages", _resolved(found, full=full)))


def _unresolved(code: str) -> Markup:
    message = element("m:ResolveNamesResponseMessage", *Refusal(code).parts(), ResponseClass="Error")
    return response("ResolveNames", element("m:ResponseMessages", message))


def _resolved(found: list[Mailbox], *, full: bool) -> Markup:
    rows = (
        element("t:Resolution", _directory_entry(one), _contact(one) if full else None) for one in found[:_MOST_NAMES]
    )
    head = (element("m:ResponseCode", "NoError"),)
    several = len(found) > 1
    if several:
        head = Refusal("ErrorNameResolutionMultipleResults").parts()[:3]  # type: ignore[assignment]
    resolutions = element(
        "m:ResolutionSet",
        *rows,
        TotalItemsInView=str(len(found)),
        IncludesLastItemInRange=boolean(len(found) <= _MOST_NAMES),
    )
    return element(
        "m:ResolveNamesResponseMessage", *head, resolutions, ResponseClass="Warning" if several else "Success"
    )


def _matches(mailbox: Mailbox, wanted: str) -> bool:
    words = mailbox.name.casefold().split()
    if wanted in mailbox.addresses():
        return True
    return any(text.startswith(wanted) for text in (mailbox.email, mailbox.name.casefold(), *words, *mailbox.aliases))


def _directory_entry(mailbox: Mailbox) -> Markup:
    plain = render_mailbox(mailbox.email, mailbox.name)
    return element("t:Mailbox", *plain.children, element("t:MailboxType", "Mailbox"))


def _contact(mailbox: Mailbox) -> Markup:
    """What the directory has of a person: the name, and every address with the main one in capitals."""
    given, _, surname = mailbox.name.partition(" ")
    addresses = (f"SMTP:{mailbox.email}", *(f"smtp:{alias}" for alias in mailbox.aliases[: _MOST_ADDRESSES - 1]))
    entries = (
        element("t:Entry", address, Key=f"EmailAddress{number}") for number, address in enumerate(addresses, start=1)
    )
    return element(
        "t:Contact",
        element("t:DisplayName", mailbox.name),
        element("t:GivenName", given) if given else None,
        element("t:EmailAddresses", *entries),
        element("t:ContactSource", "ActiveDirectory"),
        element("t:Surname", surname) if surname else None,
    )


def get_room_lists(call: Call) -> Markup:
    del call
    return _whole("GetRoomLists", element("m:ResponseCode", "NoError"), element("m:RoomLists"))


def get_rooms(call: Call) -> Markup:
    """No list has that address."""
    del call
    return _whole("GetRooms", *Refusal("ErrorNameResolutionNoResults").parts())


def expand_list(call: Call) -> Markup:
    """There are none, whoever has the address."""
    del call
    message = element(
        "m:ExpandDLResponseMessage", *Refusal("ErrorNameResolutionNoResults").parts(), ResponseClass="Error"
    )
    return response("ExpandDL", element("m:ResponseMessages", message))


def _whole(operation: str, *children: Markup | None) -> Markup:
    """An answer that is its own only message."""
    said = "Success" if len(children) == 2 else "Error"
    return element(f"m:{operation}Response", *children, ResponseClass=said, xmlns_m=MESSAGES, xmlns_t=TYPES)
