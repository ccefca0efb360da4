"""GetUserAvailability, GetServerTimeZones, ConvertId and ResolveNames."""

import pytest

from tests.sandbox.exchange.soap_bodies import STOCKHOLM
from tests.sandbox.exchange.soap_bodies import availability as ask

pytestmark = pytest.mark.usefixtures("bo")
SYDNEY = (
    STOCKHOLM.replace("-60</t:Bias><t:St", "-600</t:Bias><t:St")
    .replace("<t:DayOrder>5</t:DayOrder><t:Month>10", "<t:DayOrder>1</t:DayOrder><t:Month>4")
    .replace("<t:DayOrder>5</t:DayOrder><t:Month>3", "<t:DayOrder>1</t:DayOrder><t:Month>10")
)


def appointment(exchange, start, end, email="ada@example.com", **more):
    return exchange.human(email, {"subject": "Busy", "start": start, "end": end, **more})


def spans(answer):
    return [
        (node.find("{*}StartTime").text, node.find("{*}EndTime").text, node.find("{*}BusyType").text)
        for node in answer.all("//t:CalendarEvent")
    ]


def test_times_are_told_in_the_zone_of_the_request_over_a_clock_change(exchange):
    appointment(exchange, "2026-03-28T10:00:00", "2026-03-28T11:00:00")
    appointment(exchange, "2026-03-30T10:00:00", "2026-03-30T11:00:00")
    told = [
        ("2026-03-28T10:00:00", "2026-03-28T11:00:00", "Busy"),
        ("2026-03-30T10:00:00", "2026-03-30T11:00:00", "Busy"),
    ]
    assert spans(exchange.soap(ask("ada@example.com"))) == told
    sydney = spans(exchange.soap(ask("ada@example.com", zone=SYDNEY)))
    assert [start for start, _, _ in sydney] == ["2026-03-28T20:00:00", "2026-03-30T19:00:00"]


def test_occurrences_count_and_deleted_ones_do_not(exchange):
    recurrence = {"pattern": "DailyRecurrence"}
    appointment(exchange, "2026-03-01T08:00:00", "2026-03-01T09:00:00", recurrence=recurrence)
    assert len(spans(exchange.soap(ask("ada@example.com")))) == 3
    span = {"begin": "2026-03-29T00:00:00Z", "end": "2026-03-30T00:00:00Z"}
    (one,) = exchange.control("GET", "/accounts/ada@example.com/view", **span)
    exchange.control("POST", "/accounts/ada@example.com/items/delete", {"id": one["id"]})
    assert len(spans(exchange.soap(ask("ada@example.com")))) == 2


def test_the_merged_view_has_a_digit_for_each_interval(exchange):
    appointment(exchange, "2026-03-28T01:30:00", "2026-03-28T03:00:00")
    appointment(exchange, "2026-03-28T02:00:00", "2026-03-28T05:00:00", busy="Tentative")
    appointment(exchange, "2026-03-28T04:00:00", "2026-03-28T05:00:00", busy="OOF")
    appointment(exchange, "2026-03-28T06:00:00", "2026-03-28T07:00:00", busy="Free")
    merged = exchange.soap(ask("ada@example.com", end="2026-03-28T08:00:00", view="MergedOnly"))
    assert merged.text("//t:MergedFreeBusy") == "02213000"
    assert merged.all("//t:CalendarEvent") == []
    both = exchange.soap(ask("ada@example.com", end="2026-03-28T08:00:00", view="FreeBusyMerged"))
    assert (both.text("//t:MergedFreeBusy"), len(both.all("//t:CalendarEvent"))) == ("02213000", 4)


@pytest.mark.parametrize(
    ("level", "view", "subjects"),
    [
        ("FreeBusyTimeOnly", "FreeBusy", []),
        ("FreeBusyTimeAndSubjectAndLocation", "Detailed", ["Busy"]),
        ("Reviewer", "Detailed", ["Busy"]),
    ],
)
def test_details_depend_on_what_is_shared(exchange, level, view, subjects):
    appointment(exchange, "2026-03-28T10:00:00", "2026-03-28T11:00:00", email="bo@example.com", location="Room")
    body = {"account": "ada@example.com", "level": level}
    exchange.control("PUT", "/accounts/bo@example.com/calendars/permissions", body)
    answer = exchange.soap(ask("bo@example.com"))
    assert answer.text("//t:FreeBusyViewType") == view
    assert [node.text for node in answer.all("//t:CalendarEventDetails/t:Subject")] == subjects


def test_a_private_item_shows_that_it_is_private_and_nothing_else(exchange):
    appointment(exchange, "2026-03-28T10:00:00", "2026-03-28T11:00:00", sensitivity="Private", location="Room")
    details = exchange.soap(ask("ada@example.com")).one("//t:CalendarEventDetails")
    assert details.findtext("{*}IsPrivate") == "true"
    assert {node.tag.rpartition("}")[2] for node in details} == {
        "IsMeeting",
        "IsRecurring",
        "IsException",
        "IsReminderSet",
        "IsPrivate",
    }


def test_what_is_wrong_with_one_mailbox_is_told_of_that_one(exchange):
    exchange.control("PUT", "/accounts/bo@example.com/calendars/permissions", {"account": "Default", "level": "None"})
    answer = exchange.soap(ask("ada@example.com", "bo@example.com", "nobody@example.com"))
    assert answer.codes() == ["NoError", "ErrorNoFreeBusyAccess", "ErrorMailRecipientNotFound"]
    assert [node.get("ResponseClass") for node in answer.all("//m:ResponseMessage")] == ["Success", "Error", "Error"]
    assert len(answer.all("//m:FreeBusyResponse")) == 3


def test_working_hours_are_told(exchange):
    answer = exchange.soap(ask("ada@example.com"))
    assert answer.text("//t:WorkingHours/t:TimeZone/t:Bias") == "-60"
    assert answer.text("//t:WorkingHours//t:DaylightTime/t:Month") == "3"
    assert answer.text("//t:WorkingPeriod/t:StartTimeInMinutes") == "480"


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (ask("ada@example.com", end="2026-05-10T00:00:00"), "ErrorTimeIntervalTooBig", "The allowed limit = 42 days"),
        (ask("ada@example.com", end="2026-03-28T00:00:00"), "ErrorInvalidTimeInterval", "is invalid"),
        (
            ask(*["ada@example.com"] * 101),
            "ErrorMailboxDataArrayTooBig",
            "The allowed size = 100; the actual size = 101",
        ),
        (ask(), "ErrorMailboxDataArrayEmpty", "empty"),
        (ask("ada@example.com", interval=4), "ErrorInvalidMergedFreeBusyInterval", "between 5 and 1440 minutes"),
        (ask("ada@example.com", view="None"), "ErrorInvalidFreeBusyViewType", "not valid"),
        (ask("ada@example.com", zone=""), "ErrorTimeZone", "missing"),
    ],
)
def test_what_is_wrong_with_the_request_is_a_fault(exchange, body, code, words):
    answer = exchange.soap(body)
    assert (answer.status, answer.codes()) == (500, [code])
    assert words in answer.text("//faultstring")


def test_forty_two_days_and_a_hundred_mailboxes_are_allowed(exchange):
    answer = exchange.soap(ask(*["ada@example.com"] * 100, end="2026-05-09T00:00:00"))
    assert answer.codes() == ["NoError"] * 100


# the directory ------------------------------------------------------------------------------------


def test_time_zones_are_spelt_out(exchange):
    asked = "<m:GetServerTimeZones><m:Ids><t:Id>{}</t:Id><t:Id>Nowhere</t:Id></m:Ids></m:GetServerTimeZones>"
    answer = exchange.soap(asked.format("Eastern Standard Time"))
    zone = answer.one("//m:TimeZoneDefinitions/t:TimeZoneDefinition")
    assert zone.get("Id") == "Eastern Standard Time"
    assert [node.get("Bias") for node in answer.all("//t:Period")] == ["PT5H", "PT4H"]
    months = [node.text for node in answer.all("//t:RecurringDayTransition/t:Month")]
    assert months == ["3", "11"]
    assert answer.all("//t:RecurringDayTransition/t:Occurrence")[0].text == "2"
    fixed = exchange.soap(asked.format("India Standard Time"))
    assert [node.get("Bias") for node in fixed.all("//t:Period")] == ["-PT5H30M"]
    names = '<m:GetServerTimeZones ReturnFullTimeZoneData="false"/>'
    every = exchange.soap(names)
    assert len(every.all("//t:TimeZoneDefinition")) > 130
    assert every.all("//t:Period") == []


@pytest.mark.parametrize("form", ["EntryId", "HexEntryId", "StoreId", "OwaId", "EwsLegacyId"])
def test_ids_are_converted_there_and_back(exchange, form):
    item = appointment(exchange, "2026-03-28T10:00:00", "2026-03-28T11:00:00")["id"]

    def convert(text, source, target):
        alternate = f'<t:AlternateId Format="{source}" Id="{text}" Mailbox="ada@example.com"/>'
        answer = exchange.soap(
            f'<m:ConvertId DestinationFormat="{target}"><m:SourceIds>{alternate}</m:SourceIds></m:ConvertId>'
        )
        return answer.one("//m:AlternateId")

    other = convert(item, "EwsId", form)
    assert other.get("Id") != item
    assert other.get("{http://www.w3.org/2001/XMLSchema-instance}type") == "t:AlternateIdType"
    assert convert(other.get("Id"), form, "EwsId").get("Id") == item


def test_ids_that_are_none_are_not_converted(exchange):
    for text, form in (("x", "EwsId"), ("zz", "HexEntryId"), ("AAAA", "EntryId"), ("AAAA", "EwsLegacyId")):
        alternate = f'<t:AlternateId Format="{form}" Id="{text}" Mailbox="ada@example.com"/>'
        body = f'<m:ConvertId DestinationFormat="EwsId"><m:SourceIds>{alternate}</m:SourceIds></m:ConvertId>'
        assert exchange.soap(body).codes() == ["ErrorInvalidIdMalformed"]


def test_names_are_resolved_to_one_to_several_or_to_none(exchange):
    exchange.account("adam@example.com")
    asked = '<m:ResolveNames ReturnFullContactData="false"><m:UnresolvedEntry>{}</m:UnresolvedEntry></m:ResolveNames>'
    one = exchange.soap(asked.format("bo@example.com"))
    assert one.codes() == ["NoError"]
    assert one.text("//t:Resolution/t:Mailbox/t:EmailAddress") == "bo@example.com"
    several = exchange.soap(asked.format("ada"))
    assert several.codes() == ["ErrorNameResolutionMultipleResults"]
    assert several.one("//m:ResolveNamesResponseMessage").get("ResponseClass") == "Warning"
    assert several.one("//m:ResolutionSet").get("TotalItemsInView") == "2"
    assert exchange.soap(asked.format("zoe")).codes() == ["ErrorNameResolutionNoResults"]


def test_the_directory_tells_all_it_has_of_a_person_if_asked(exchange):
    exchange.account("cy@example.com", name="Cy Young Smith", aliases=["cyril@example.com"])
    asked = '<m:ResolveNames ReturnFullContactData="{}"><m:UnresolvedEntry>cy@</m:UnresolvedEntry></m:ResolveNames>'
    answer = exchange.soap(asked.format("true"))
    assert answer.text("//t:Resolution/t:Contact/t:DisplayName") == "Cy Young Smith"
    assert (answer.text("//t:GivenName"), answer.text("//t:Surname")) == ("Cy", "Young Smith")
    entries = {node.get("Key"): node.text for node in answer.all("//t:Contact/t:EmailAddresses/t:Entry")}
    assert entries == {"EmailAddress1": "SMTP:cy@example.com", "EmailAddress2": "smtp:cyril@example.com"}
    assert answer.text("//t:Contact/t:ContactSource") == "ActiveDirectory"
    assert exchange.soap(asked.format("false")).all("//t:Contact") == []


def test_nobody_is_found_among_contacts(exchange):
    asked = (
        '<m:ResolveNames ReturnFullContactData="false" SearchScope="{}"><m:UnresolvedEntry>bo@</m:UnresolvedEntry>'
        "</m:ResolveNames>"
    )
    assert exchange.soap(asked.format("ContactsActiveDirectory")).codes() == ["NoError"]
    assert exchange.soap(asked.format("Contacts")).codes() == ["ErrorNameResolutionNoResults"]


@pytest.mark.parametrize("name", [" ", ",", "-"])
def test_some_names_are_none(exchange, name):
    asked = (
        f'<m:ResolveNames ReturnFullContactData="false"><m:UnresolvedEntry>{name}</m:UnresolvedEntry></m:ResolveNames>'
    )
    assert exchange.soap(asked).codes() == ["ErrorInvalidNameForNameResolution"]
