"""Delegates: who is one, what they may do, and what of it they see."""

import pytest

from tests.sandbox.exchange.calls import made
from tests.sandbox.exchange.soap_bodies import get, item_id, meeting

pytestmark = pytest.mark.usefixtures("bo")
ADA, BO = "ada@example.com", "bo@example.com"
PRIVATE = "<t:Sensitivity>Private</t:Sensitivity>"


def user(email):
    return f"<t:UserId><t:PrimarySmtpAddress>{email}</t:PrimarySmtpAddress></t:UserId>"


def of(email):
    return f"<m:Mailbox><t:EmailAddress>{email}</t:EmailAddress></m:Mailbox>"


def asking(*emails, permissions="true", owner=ADA):
    named = f"<m:UserIds>{''.join(map(user, emails))}</m:UserIds>" if emails else ""
    return f'<m:GetDelegate IncludePermissions="{permissions}">{of(owner)}{named}</m:GetDelegate>'


def setting(verb="AddDelegate", *, email=BO, level="Reviewer", private=None, owner=ADA, deliver=""):
    """`private`: whether they see private items, where it is said."""
    levels = f"<t:CalendarFolderPermissionLevel>{level}</t:CalendarFolderPermissionLevel>" if level else ""
    seen = f"<t:ViewPrivateItems>{private}</t:ViewPrivateItems>" if private else ""
    told = f"<m:DeliverMeetingRequests>{deliver}</m:DeliverMeetingRequests>" if deliver else ""
    return (
        f"<m:{verb}>{of(owner)}<m:DelegateUsers><t:DelegateUser>{user(email)}"
        f"<t:DelegatePermissions>{levels}</t:DelegatePermissions>{seen}</t:DelegateUser></m:DelegateUsers>{told}</m:{verb}>"
    )


def removing(email=BO):
    return f"<m:RemoveDelegate>{of(ADA)}<m:UserIds>{user(email)}</m:UserIds></m:RemoveDelegate>"


def test_nobody_is_one_at_first(exchange):
    answer = exchange.soap(asking())
    assert answer.one("//m:GetDelegateResponse").get("ResponseClass") == "Success"
    assert (answer.codes(), answer.all("//m:ResponseMessages")) == (["NoError"], [])


def test_one_is_added_told_changed_and_removed(exchange):
    added = exchange.soap(setting(deliver="DelegatesOnly"))
    assert (added.codes(), added.all("//t:DelegatePermissions")) == (["NoError", "NoError"], [])
    told = exchange.soap(asking())
    assert (told.text("//t:PrimarySmtpAddress"), told.text("//t:DisplayName")) == (BO, "Bo")
    assert told.text("//t:CalendarFolderPermissionLevel") == "Reviewer"
    assert told.text("//t:TasksFolderPermissionLevel") == "None"
    assert told.text("//m:DeliverMeetingRequests") == "DelegatesOnly"
    assert exchange.soap(asking(permissions="false")).all("//t:DelegatePermissions") == []
    exchange.soap(setting("UpdateDelegate", level="", private="true"))
    now = exchange.soap(asking(BO))
    assert (now.text("//t:ViewPrivateItems"), now.text("//t:CalendarFolderPermissionLevel")) == ("true", "Reviewer")
    assert exchange.soap(removing()).codes() == ["NoError", "NoError"]
    assert exchange.soap(asking()).all("//m:DelegateUser") == []


def test_a_delegate_reads_the_calendar_for_as_long_as_they_are_one(exchange):
    item = made(exchange, meeting())
    assert exchange.soap(get(item_id(item)), email=BO).codes() == ["ErrorAccessDenied"]
    exchange.soap(setting())
    assert exchange.soap(get(item_id(item)), email=BO).codes() == ["NoError"]
    exchange.soap(removing())
    assert exchange.soap(get(item_id(item)), email=BO).codes() == ["ErrorAccessDenied"]


def test_private_items_are_shown_to_who_may_see_them(exchange):
    item = made(exchange, meeting(before_start=PRIVATE))
    exchange.soap(setting())
    assert exchange.soap(get(item_id(item)), email=BO).text("//t:Subject") == "Private Appointment"
    exchange.soap(setting("UpdateDelegate", private="true"))
    assert exchange.soap(get(item_id(item)), email=BO).text("//t:Subject") == "Meeting"


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        (setting(email="nobody@example.com"), ["NoError", "ErrorDelegateNoUser"]),
        (setting(email=ADA), ["NoError", "ErrorDelegateCannotAddOwner"]),
        (setting("UpdateDelegate"), ["NoError", "ErrorNotDelegate"]),
        (removing(), ["NoError", "ErrorNotDelegate"]),
        (asking(BO), ["NoError", "ErrorNotDelegate"]),
        (setting(level="Owner"), ["ErrorSchemaValidation"]),
        (setting(owner=BO, email=ADA), ["ErrorAccessDenied"]),
        (asking(owner="nobody@example.com"), ["ErrorNonExistentMailbox"]),
    ],
)
def test_what_cannot_be_is_refused(exchange, body, codes):
    assert exchange.soap(body).codes() == codes


def test_one_is_added_once_and_not_by_the_oldest_schema(exchange):
    exchange.soap(setting())
    assert exchange.soap(setting()).codes() == ["NoError", "ErrorDelegateAlreadyExists"]
    assert exchange.soap(asking(), version="Exchange2007_SP1").codes() == ["NoError", "NoError"]
    assert exchange.soap(asking(), version="Exchange2007").codes() == ["ErrorSchemaValidation"]
