"""Out of office, rooms and lists: what else a calendar client asks about people."""

import pytest

from tests.sandbox.exchange.soap_bodies import impersonating

ADA, BO = "ada@example.com", "bo@example.com"


def asking(email=ADA):
    mailbox = f"<t:Mailbox><t:Address>{email}</t:Address></t:Mailbox>"
    return f"<m:GetUserOofSettingsRequest>{mailbox}</m:GetUserOofSettingsRequest>"


def setting(state="Scheduled", start="2026-12-10T08:00:00", end="2026-12-12T08:00:00Z", email=ADA):
    window = f"<t:Duration><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime></t:Duration>" if start else ""
    return (
        f"<m:SetUserOofSettingsRequest><t:Mailbox><t:Address>{email}</t:Address></t:Mailbox><t:UserOofSettings>"
        f"<t:OofState>{state}</t:OofState><t:ExternalAudience>Known</t:ExternalAudience>{window}"
        "<t:InternalReply><t:Message>inside</t:Message></t:InternalReply>"
        "<t:ExternalReply><t:Message>outside</t:Message></t:ExternalReply></t:UserOofSettings>"
        "</m:SetUserOofSettingsRequest>"
    )


def test_nobody_is_away_at_first(exchange):
    answer = exchange.soap(asking())
    assert (answer.codes(), answer.text("//t:OofState")) == (["NoError"], "Disabled")
    assert answer.text("//m:AllowExternalOof") == "All"


def test_what_was_set_is_told(exchange):
    assert exchange.soap(setting()).codes() == ["NoError"]
    answer = exchange.soap(asking())
    told = ["//t:OofState", "//t:ExternalAudience", "//t:StartTime", "//t:EndTime", "//t:ExternalReply/t:Message"]
    assert [answer.text(path) for path in told] == [
        "Scheduled",
        "Known",
        "2026-12-10T08:00:00Z",
        "2026-12-12T08:00:00Z",
        "outside",
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (setting(start=""), "ErrorInvalidUserOofSettings"),
        (setting(end="2026-12-09T08:00:00"), "ErrorInvalidScheduledOofDuration"),
        (setting("Sometimes"), "ErrorSchemaValidation"),
        (setting(email=BO), "ErrorAccessDenied"),
        (asking(BO), "ErrorAccessDenied"),
        (asking("nobody@example.com"), "ErrorNonExistentMailbox"),
    ],
)
@pytest.mark.usefixtures("bo")
def test_what_cannot_be_is_refused(exchange, body, code):
    assert exchange.soap(body).codes() == [code]
    assert exchange.soap(asking()).text("//t:OofState") == "Disabled"


@pytest.mark.usefixtures("bo")
def test_it_is_set_in_anothers_name(exchange):
    exchange.account("service@example.com", mailbox=False, may_impersonate=True)
    answer = exchange.soap(setting("Enabled", email=BO), email="service@example.com", headers=impersonating(BO))
    assert answer.codes() == ["NoError"]
    assert exchange.soap(asking(BO), email=BO).text("//t:OofState") == "Enabled"


def test_there_are_no_lists_of_rooms_or_people(exchange):
    lists = exchange.soap("<m:GetRoomLists/>")
    assert (lists.one("//m:GetRoomListsResponse").get("ResponseClass"), lists.codes()) == ("Success", ["NoError"])
    assert lists.all("//m:RoomLists/*") == []
    rooms = exchange.soap(
        "<m:GetRooms><m:RoomList><t:EmailAddress>r@example.com</t:EmailAddress></m:RoomList></m:GetRooms>"
    )
    assert rooms.one("//m:GetRoomsResponse").get("ResponseClass") == "Error"
    assert rooms.codes() == ["ErrorNameResolutionNoResults"]
    people = exchange.soap(
        "<m:ExpandDL><m:Mailbox><t:EmailAddress>l@example.com</t:EmailAddress></m:Mailbox></m:ExpandDL>"
    )
    assert people.codes() == ["ErrorNameResolutionNoResults"]
    assert exchange.soap("<m:GetRoomLists/>", version="Exchange2007_SP1").codes() == ["ErrorSchemaValidation"]
