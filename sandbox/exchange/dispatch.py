"""From a SOAP request to its answer. The one rule: no operation sees a request Exchange would have refused before it.

In Exchange's order: is it XML, is the version known, does it keep to the schema, may the caller act for that mailbox.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sandbox.exchange import (
    absence,
    attachments,
    availability,
    creating,
    delegates,
    deleting,
    directory,
    finding,
    folder_changes,
    folders,
    getting,
    streaming,
    subscribing,
    syncing,
    updating,
)
from sandbox.exchange.call import Call
from sandbox.exchange.errors import Fault, Refusal, envelope, fault, unknown_version, violation
from sandbox.exchange.markup import XSD, XSI, Markup, element
from sandbox.exchange.reading import Node, read
from sandbox.exchange.validation import SchemaViolation, validate_header, validate_operation
from sandbox.exchange.versions import SERVERS, ServerVersion, rank_of
from sandbox.exchange.world import ExchangeWorld, Mailbox
from sandbox.exchange.zones import Zone, read_definition
from sandbox.faults import Action


@dataclass(frozen=True)
class Served:
    """Status and body of an answer; or a body that goes on, as a stream."""

    status: int
    body: bytes
    stream: streaming.Stream | None = None


Operation = Callable[[Call], Markup | streaming.Stream]
OPERATIONS: Mapping[str, Operation] = {
    "m:GetFolder": folders.get_folder,
    "m:FindFolder": folders.find_folder,
    "m:CreateFolder": folders.create_folder,
    "m:DeleteFolder": folders.delete_folder,
    "m:UpdateFolder": folder_changes.update_folder,
    "m:MoveFolder": folder_changes.move_folder,
    "m:EmptyFolder": folder_changes.empty_folder,
    "m:SyncFolderHierarchy": syncing.sync_hierarchy,
    "m:GetItem": getting.get_item,
    "m:CreateItem": creating.create,
    "m:CreateAttachment": attachments.create_attachment,
    "m:GetAttachment": attachments.get_attachment,
    "m:DeleteAttachment": attachments.delete_attachment,
    "m:UpdateItem": updating.update,
    "m:DeleteItem": deleting.delete,
    "m:MoveItem": deleting.move,
    "m:CopyItem": deleting.copy,
    "m:FindItem": finding.find,
    "m:SyncFolderItems": syncing.sync_items,
    "m:Subscribe": subscribing.subscribe,
    "m:GetEvents": subscribing.get_events,
    "m:GetStreamingEvents": streaming.get_streaming_events,
    "m:Unsubscribe": subscribing.unsubscribe,
    "m:GetUserAvailabilityRequest": availability.get_user_availability,
    "m:GetUserOofSettingsRequest": absence.get_user_oof_settings,
    "m:SetUserOofSettingsRequest": absence.set_user_oof_settings,
    "m:GetDelegate": delegates.get_delegate,
    "m:AddDelegate": delegates.add_delegate,
    "m:UpdateDelegate": delegates.update_delegate,
    "m:RemoveDelegate": delegates.remove_delegate,
    "m:GetRoomLists": directory.get_room_lists,
    "m:GetRooms": directory.get_rooms,
    "m:ExpandDL": directory.expand_list,
    "m:GetServerTimeZones": directory.get_server_time_zones,
    "m:ConvertId": directory.convert_id,
    "m:ResolveNames": directory.resolve_names,
}
_log = logging.getLogger(__name__)
_DOWNGRADED = "Exchange2010_SP2"
_OLDEST = "Exchange2007_SP1"


async def serve(
    world: ExchangeWorld, document: bytes, caller: Mailbox, request_id: str, action: Action | None
) -> Served:
    """Raises NotXml for what is no XML at all."""
    server = _server_now(world, action)
    root = read(document)
    try:
        call = _admit(world, root, server, caller=caller, request_id=request_id, action=action)
        answer = await _run(call)
        if isinstance(answer, streaming.Stream):
            return Served(200, b"", answer)
        return Served(200, envelope(element("s:Body", answer, xmlns_xsi=XSI, xmlns_xsd=XSD), server.header()))
    except Fault as refused:
        header = None if refused.silent else server.header()
        return Served(refused.status, envelope(element("s:Body", refused.body()), header))
    except Exception:  # noqa: BLE001 - the last resort: a client is told as Exchange tells it, the log all there is
        _log.exception("a call failed: %s", request_id)
        failed = fault("ErrorInternalServerError")
        return Served(failed.status, envelope(element("s:Body", failed.body()), server.header()))


def _server_now(world: ExchangeWorld, action: Action | None) -> ServerVersion:
    """The version that answers: a rule may send the call to an older server of the farm."""
    if action is None or action.kind != "version_downgrade":
        return world.server
    return SERVERS[action.body or (_DOWNGRADED if world.server.rank > SERVERS[_DOWNGRADED].rank else _OLDEST)]


def _admit(
    world: ExchangeWorld,
    root: Node,
    server: ServerVersion,
    *,
    caller: Mailbox,
    request_id: str,
    action: Action | None,
) -> Call:
    if root.name != "s:Envelope":
        raise violation(f"The '{root.name}' element is not declared.", root.line, root.column)
    header, body = root.find("s:Header"), root.find("s:Body")
    requested = header.find("t:RequestServerVersion") if header is not None else None
    rank = rank_of(requested.attributes.get("Version", "") if requested is not None else None, server)
    if rank is None:
        raise unknown_version()
    if body is None or len(body.children) != 1:
        raise violation("The SOAP body must have exactly one element.", root.line, root.column)
    operation = body.children[0]
    try:
        for node in header or ():
            validate_header(node, rank)
        validate_operation(operation, rank)
    except SchemaViolation as found:
        raise violation(str(found), found.line, found.column) from found
    call = Call(world, server, rank, caller, caller, operation, request_id, _zone(header), action)
    return replace(call, mailbox=_impersonated(call, header))


def _zone(header: Node | None) -> Zone | None:
    named = header.at("t:TimeZoneContext", "t:TimeZoneDefinition") if header is not None else None
    if named is None:
        return None
    zone = read_definition(named)
    if zone is None:
        raise fault("ErrorTimeZone")
    return zone


def _impersonated(call: Call, header: Node | None) -> Mailbox:
    """For whom the call is made. Raises Fault where the caller may not."""
    node = header.at("t:ExchangeImpersonation", "t:ConnectingSID") if header is not None else None
    if node is None:
        return call.caller
    named = node.children[0]
    if not (call.world.knobs.impersonation and call.caller.may_impersonate):
        raise fault("ErrorImpersonateUserDenied")
    mailbox = call.world.find_mailbox(named.text) if named.name != "t:SID" else None
    if mailbox is None or not mailbox.enabled:
        raise fault("ErrorNonExistentMailbox")
    if named.name == "t:PrimarySmtpAddress" and mailbox.email != named.text.lower():
        raise Fault(
            "ErrorNonPrimarySmtpAddress",
            "The primary SMTP address must be specified when referencing a mailbox.",
            details=(element("t:Value", mailbox.email, Name="Primary"),),
        )
    return mailbox


async def _run(call: Call) -> Markup | streaming.Stream:
    """Run the operation, within the number of calls an account may have on their way."""
    world, account = call.world, call.mailbox.email
    limit = world.knobs.max_concurrency
    if limit is not None and world.in_flight.get(account, 0) >= limit:
        raise fault("ErrorExceededConnectionCount")
    world.in_flight[account] = world.in_flight.get(account, 0) + 1
    try:
        if world.knobs.service_time:
            await asyncio.sleep(world.knobs.service_time.total_seconds())
        return OPERATIONS[call.body.name](call)
    except Refusal as refused:
        raise Fault(refused.code, refused.text, details=refused.details) from refused
    finally:
        world.in_flight[account] -= 1
