"""GetDelegate, AddDelegate, UpdateDelegate and RemoveDelegate.

The one rule: what a delegate may do with the calendar is the calendar's own sharing; only private items are beyond it.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/adddelegate-operation
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from sandbox.exchange.call import Call
from sandbox.exchange.delegate_settings import Delegate
from sandbox.exchange.errors import Refusal
from sandbox.exchange.markup import MESSAGES, TYPES, Markup, boolean, element
from sandbox.exchange.reading import Node
from sandbox.exchange.world import LEVELS, Mailbox

_FOLDERS = ("Calendar", "Tasks", "Inbox", "Contacts", "Notes", "Journal")


def get_delegate(call: Call) -> Markup:
    owner = _owner(call)
    asked = call.body.find("m:UserIds")
    whole = call.body.attributes["IncludePermissions"] in {"true", "1"}

    def tell(node: Node) -> str:
        return _known(owner, _person(call, node)).email

    if asked is None:
        rows = [_success(call, owner, email, whole=whole) for email in owner.delegates.people]
    else:
        rows = [_told(call, owner, partial(tell, node), whole=whole) for node in asked]
    return _answer("GetDelegate", rows, element("m:DeliverMeetingRequests", owner.delegates.deliver))


def add_delegate(call: Call) -> Markup:
    def add(owner: Mailbox, person: Mailbox, node: Node) -> None:
        if person is owner:
            raise Refusal("ErrorDelegateCannotAddOwner")
        if person.email in owner.delegates.people:
            raise Refusal("ErrorDelegateAlreadyExists")
        _set(owner, person, Delegate(dict.fromkeys(_FOLDERS, "None")), node)

    return _change(call, "AddDelegate", add)


def update_delegate(call: Call) -> Markup:
    def update(owner: Mailbox, person: Mailbox, node: Node) -> None:
        _set(owner, person, owner.delegates.people[_known(owner, person).email], node)

    return _change(call, "UpdateDelegate", update)


def remove_delegate(call: Call) -> Markup:
    owner = _owner(call)
    ids = call.body.find("m:UserIds")
    assert ids is not None

    def remove(node: Node) -> None:
        email = _known(owner, _person(call, node)).email
        del owner.delegates.people[email]
        owner.calendar.permissions.pop(email, None)

    return _answer("RemoveDelegate", [_told(call, owner, partial(remove, node)) for node in ids])


def _change(call: Call, operation: str, change: Callable[[Mailbox, Mailbox, Node], None]) -> Markup:
    owner = _owner(call)

    def run(node: Node) -> str:
        user = node.find("t:UserId")
        assert user is not None
        person = _person(call, user)
        change(owner, person, node)
        return person.email

    rows = [_told(call, owner, partial(run, node)) for node in call.body.find("m:DelegateUsers") or ()]
    owner.delegates.deliver = call.body.text_of("m:DeliverMeetingRequests") or owner.delegates.deliver
    return _answer(operation, rows)


def _owner(call: Call) -> Mailbox:
    """Whose delegates they are. Raises Refusal."""
    address = call.body.at("m:Mailbox", "t:EmailAddress")
    owner = call.world.find_mailbox(address.text.strip()) if address is not None else None
    if owner is None or not owner.enabled:
        raise Refusal("ErrorNonExistentMailbox")
    if owner is not call.mailbox:
        raise Refusal("ErrorAccessDenied")
    return owner


def _person(call: Call, user: Node) -> Mailbox:
    found = call.world.find_mailbox((user.text_of("t:PrimarySmtpAddress") or "").strip())
    if found is None:
        raise Refusal("ErrorDelegateNoUser")
    return found


def _known(owner: Mailbox, person: Mailbox) -> Mailbox:
    if person.email not in owner.delegates.people:
        raise Refusal("ErrorNotDelegate")
    return person


def _set(owner: Mailbox, person: Mailbox, before: Delegate, node: Node) -> None:
    """What is not said stays as it was."""
    levels = dict(before.levels)
    for child in node.find("t:DelegatePermissions") or ():
        levels[child.local.removesuffix("FolderPermissionLevel")] = child.text
    copies, private = (node.text_of(f"t:{name}") for name in ("ReceiveCopiesOfMeetingMessages", "ViewPrivateItems"))
    now = replace(before, levels=levels)
    if copies is not None:
        now = replace(now, copies=copies in {"true", "1"})
    if private is not None:
        now = replace(now, sees_private=private in {"true", "1"})
    owner.delegates.people[person.email] = now
    level = next((one for one in LEVELS if one == levels["Calendar"]), None)
    if level is not None:
        owner.calendar.permissions[person.email] = level


# rendering ----------------------------------------------------------------------------------------


def _told(call: Call, owner: Mailbox, run: Callable[[], str | None], *, whole: bool = False) -> Markup:
    """One user's part of the answer."""
    try:
        email = run()
    except Refusal as refusal:
        return element("m:DelegateUserResponseMessageType", *refusal.parts(), ResponseClass="Error")
    return _success(call, owner, email, whole=whole)


def _success(call: Call, owner: Mailbox, email: str | None, *, whole: bool) -> Markup:
    code = element("m:ResponseCode", "NoError")
    user = _user(call, owner, email, whole=whole) if email is not None else None
    return element("m:DelegateUserResponseMessageType", code, user, ResponseClass="Success")


def _user(call: Call, owner: Mailbox, email: str, *, whole: bool) -> Markup:
    delegate, person = owner.delegates.people[email], call.world.find_mailbox(email)
    levels = (element(f"t:{name}FolderPermissionLevel", delegate.levels[name]) for name in _FOLDERS)
    return element(
        "m:DelegateUser",
        element(
            "t:UserId",
            element("t:PrimarySmtpAddress", email),
            element("t:DisplayName", person.name if person is not None else email),
        ),
        element("t:DelegatePermissions", *levels) if whole else None,
        element("t:ReceiveCopiesOfMeetingMessages", boolean(delegate.copies)),
        element("t:ViewPrivateItems", boolean(delegate.sees_private)),
    )


def _answer(operation: str, rows: Iterable[Markup], *tail: Markup) -> Markup:
    messages = tuple(rows)
    return element(
        f"m:{operation}Response",
        element("m:ResponseCode", "NoError"),
        element("m:ResponseMessages", *messages) if messages else None,
        *tail,
        ResponseClass="Success",
        xmlns_m=MESSAGES,
        xmlns_t=TYPES,
    )
