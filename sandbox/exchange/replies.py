"""Guests' answers to a meeting. The one rule: its organizer cannot answer it, and a cancelled one takes no answer."""

from sandbox.exchange.errors import Refusal
from sandbox.exchange.items import Item, Values, View
from sandbox.exchange.meetings import is_organizer, tell_organizer
from sandbox.exchange.world import Actor, ExchangeWorld, Folder
from sandbox.exchange.writes import delete_view

_NOT_A_MEETING = {
    "Accept": "ErrorInvalidItemForOperationAcceptItem",
    "Tentative": "ErrorInvalidItemForOperationTentative",
    "Decline": "ErrorInvalidItemForOperationDeclineItem",
}


def respond(
    world: ExchangeWorld, folder: Folder, view: View, response: str, actor: Actor, *, send: bool
) -> tuple[Folder, Item]:
    """Accept, Tentative or Decline. Returns where the item is now: a declined one went to Deleted Items."""
    if not view.guests():
        raise Refusal(_NOT_A_MEETING[response])
    if is_organizer(folder, view):
        raise Refusal(f"ErrorCalendarIsOrganizerFor{response}")
    if view.get("IsCancelled", False):
        raise Refusal(f"ErrorCalendarIsCancelledFor{response}")
    if send:
        tell_organizer(world, folder, view, response, actor)
    _answer(world, view, response)
    world.commit(folder, view.item, "update", actor, changed=("MyResponseType",))
    if response == "Decline":
        moved = delete_view(world, folder, view, actor)
        bin_ = folder.mailbox.distinguished("deleteditems")
        if moved is not None and bin_ is not None:
            return bin_, moved
    return folder, view.item


def _answer(world: ExchangeWorld, view: View, response: str) -> None:
    busy = {"Accept": view.get("IntendedFreeBusyStatus", "Busy"), "Tentative": "Tentative", "Decline": "Free"}
    values: Values = {
        "MyResponseType": response,
        "AppointmentReplyTime": world.clock.now(),
        "LegacyFreeBusyStatus": busy[response],
    }
    if view.original is None:
        view.item.values |= values
    else:
        view.item.exceptions.setdefault(view.original, {}).update(values)


def remove_cancelled(world: ExchangeWorld, folder: Folder, view: View, actor: Actor) -> None:
    """Take a cancelled meeting off the guest's calendar."""
    if is_organizer(folder, view):
        raise Refusal("ErrorCalendarIsOrganizerForRemove")
    if not view.get("IsCancelled", False):
        raise Refusal("ErrorInvalidItemForOperationRemoveItem")
    delete_view(world, folder, view, actor)
