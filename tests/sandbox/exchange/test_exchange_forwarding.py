"""Invitations that are sent on to others."""

import pytest

from tests.sandbox.exchange.calls import made
from tests.sandbox.exchange.soap_bodies import create, get, item_id, meeting

pytestmark = pytest.mark.usefixtures("bo")
BO = "bo@example.com"


def forward(item, *emails, disposition="SendAndSaveCopy", reference=True):
    boxes = "".join(f"<t:Mailbox><t:EmailAddress>{one}</t:EmailAddress></t:Mailbox>" for one in emails)
    recipients = f"<t:ToRecipients>{boxes}</t:ToRecipients>" if emails else ""
    named = item_id(item, "ReferenceItemId") if reference else ""
    note = '<t:NewBodyContent BodyType="Text">Join us</t:NewBodyContent>'
    return create(f"<t:ForwardItem>{recipients}{named}{note}</t:ForwardItem>", send=None, disposition=disposition)


def mails(exchange, email):
    return [mail["kind"] for mail in exchange.control("GET", "/outbox", to=email)]


def copies(exchange, email=BO):
    return exchange.control("GET", f"/accounts/{email}/items")


def test_a_meeting_that_is_sent_on_is_on_the_others_calendar(exchange):
    item = made(exchange, meeting(guests=("x@client.example",)), send="SendToAllAndSaveCopy")
    answer = exchange.soap(forward(item, BO, "y@client.example"))
    assert (answer.codes(), answer.all("//t:ItemId")) == (["NoError"], [])
    assert (mails(exchange, BO), mails(exchange, "y@client.example")) == (["invitation"], ["invitation"])
    assert len(copies(exchange)) == 1
    guests = exchange.soap(get(item_id(item))).all("//t:Attendee//t:EmailAddress")
    assert [node.text for node in guests] == ["x@client.example"]


def test_what_is_no_meeting_is_only_a_mail(exchange):
    item = made(exchange)
    assert exchange.soap(forward(item, BO)).codes() == ["NoError"]
    assert (mails(exchange, BO), copies(exchange)) == (["invitation"], [])


def test_what_cannot_be_sent_on_is_refused_and_nobody_is_told(exchange):
    item = made(exchange, meeting(guests=("x@client.example",)))
    assert exchange.soap(forward(item)).codes() == ["ErrorInvalidRecipients"]
    assert exchange.soap(forward(item, "bo")).codes() == ["ErrorInvalidRecipients"]
    assert exchange.soap(forward(item, BO, disposition="SaveOnly")).codes() == ["ErrorInvalidRequest"]
    assert exchange.soap(forward(item, BO, disposition=None)).codes() == ["ErrorMessageDispositionRequired"]
    assert exchange.soap(forward(item, BO, reference=False)).codes() == ["ErrorMissingInformationReferenceItemId"]
    assert (mails(exchange, BO), copies(exchange)) == ([], [])


def test_what_somebody_may_not_see_they_cannot_send_on(exchange):
    private = meeting(before_start="<t:Sensitivity>Private</t:Sensitivity>", guests=("x@client.example",))
    item = made(exchange, private)
    share = {"account": BO, "level": "Editor"}
    exchange.control("PUT", "/accounts/ada@example.com/calendars/permissions", share)
    assert exchange.soap(forward(item, BO), email=BO).codes() == ["ErrorAccessDenied"]
    assert (mails(exchange, BO), copies(exchange)) == ([], [])
