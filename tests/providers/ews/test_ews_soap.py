"""Answers: whole or none; whatever they hold."""

import pytest

from app.providers.ews import questions, soap
from app.providers.ews.soap import Trouble, Unreadable
from tests.providers.ews.scripted_tls import calendar_item, envelope, fault, refused, response

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    f"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'>]>{envelope('<m:X>&c;</m:X>').partition('?>')[2]}"
)


def test_an_answer_has_its_messages_and_who_gave_it():
    answer = soap.parse(response("FindItem", "<m:RootFolder/>", "<m:RootFolder/>").encode())
    assert (answer.version, answer.fault, len(answer.messages)) == ("14.2.247.5", None, 2)
    assert not any(message.trouble for message in answer.messages)


def test_only_the_code_of_a_refusal_goes_on():
    (message,) = soap.parse(refused("GetItem", "ErrorItemNotFound").encode()).messages
    assert message.trouble == Trouble("ErrorItemNotFound")
    assert soap.parse(fault("ErrorServerBusy", back_off_ms=297749).encode()).fault == Trouble(
        "ErrorServerBusy", 297.749
    )
    assert soap.parse(fault("Dear ada@example.com!").encode()).fault == Trouble("ErrorUnknown")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><body>Sign in</body></html>",
        b"<!DOCTYPE html><html></html>",
        b"{}",
        envelope("")[: -len("</s:Body></s:Envelope>")].encode(),
        response("FindItem", "<m:RootFolder/>")[:-30].encode(),
        envelope("").encode(),
        envelope("<m:FindItemResponse/>").encode(),
        BOMB.encode(),
        BOMB.encode("utf-16"),
    ],
)
def test_half_an_answer_is_none(content):
    """A parser that recovers would make an empty page of a cut one."""
    with pytest.raises(Unreadable):
        soap.parse(content)


@pytest.mark.parametrize("junk", ["&#x1f;", "&#X1F;", "&#0;", "&#11;", "&#x0B;", "\x02"])
def test_a_control_character_in_a_subject_spoils_nothing(junk):
    content = response(
        "GetItem", f"<m:Items>{calendar_item(Subject=f'Lu{junk}nch &#x41;&#10;&#x9;')}</m:Items>"
    ).encode()
    (message,) = soap.parse(content).messages
    assert message.element.findtext(f".//{soap.tag('Subject')}") == "Lu?nch A\n\t"


def test_what_no_xml_may_hold_is_not_sent():
    sent = soap.envelope(questions.marked_with("<&\"'>", "a\x00b\ud800c"))
    assert b"a?b?c" in sent
    assert soap.parse_xml(sent).find(f".//{soap.tag('FolderId')}").get("Id") == "<&\"'>"
