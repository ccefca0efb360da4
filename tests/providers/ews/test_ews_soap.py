"""Answers: whole or none; whatever they hold."""

import pytest
import requests
from exchangelib import Build, Version, util
from exchangelib.errors import ErrorItemNotFound, ErrorServerBusy

from app.providers.ews import questions, service, soap
from app.providers.ews.service import Unanswered, UnknownCode, back_off_of, code_of
from tests.providers.ews.scripted_tls import calendar_item, envelope, fault, refused, response

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    f"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'>]>{envelope('<m:X>&c;</m:X>').partition('?>')[2]}"
)


class Protocol:
    """As much of exchangelib's as a service asks of it before it sends anything."""

    class config:  # noqa: N801
        version = Version(Build(14, 2))

    credentials = None


def answered(content, operation="FindItem"):
    """What becomes of an answer with this content."""
    reply = requests.Response()
    reply.status_code, reply._content = 200, content if isinstance(content, bytes) else content.encode()
    asking = service._service(operation)(Protocol)
    asking._get_response = lambda **_: reply
    return asking.ask(None)


def test_an_answer_has_its_messages_and_who_gave_it():
    answer = answered(response("FindItem", "<m:RootFolder/>", "<m:RootFolder/>"))
    assert (str(answer.build), answer.fault, len(answer.messages)) == ("14.2.247.5", None, 2)
    assert not any(message.error for message in answer.messages)


def test_the_schema_stays_whatever_server_answers():
    """exchangelib would go on in the newest the server knows, and fail at a build that it does not know itself."""
    for version in ("15.1.2507.6", "16.0.1.2"):
        assert str(answered(envelope(fault_body("ErrorServerBusy"), version=version)).build) == version
    assert Protocol.config.version == Version(Build(14, 2))


def fault_body(code):
    return f"<s:Fault><faultcode>a:{code}</faultcode><faultstring>ada@example.com</faultstring></s:Fault>"


def test_a_refusal_is_exchangelibs_error_and_its_code_alone():
    (message,) = answered(refused("GetItem", "ErrorItemNotFound"), "GetItem").messages
    assert type(message.error) is ErrorItemNotFound
    for code in ("ErrorItemNotFound", "ErrorServerBusy", "ErrorNobodyHasSeen"):
        for error in (
            answered(refused("GetItem", code), "GetItem").messages[0].error,
            answered(fault(code)).fault,
            answered(envelope(fault_body(code))).fault,
        ):
            assert code_of(error) == code
            assert "example.com" not in f"{error}{error!r}"


@pytest.mark.parametrize("code", ["Dear ada@example.com!", "", "__name__", "urlparse", "EWSError", "CASError"])
def test_what_is_no_code_is_not_told(code):
    for error in (answered(refused("GetItem", code), "GetItem").messages[0].error, answered(fault(code)).fault):
        assert isinstance(error, UnknownCode)
        assert code_of(error) == "ErrorUnknown"


def test_how_long_to_wait_is_told_by_a_fault_and_by_a_message():
    busy = answered(fault("ErrorServerBusy", back_off_ms=297749)).fault
    assert (type(busy), back_off_of(busy)) == (ErrorServerBusy, 297.749)
    wait = '<m:MessageXml><t:Value Name="BackOffMilliseconds">7000</t:Value></m:MessageXml></m:GetItemResponseMessage>'
    content = refused("GetItem", "ErrorServerBusy").replace("</m:GetItemResponseMessage>", wait)
    assert back_off_of(answered(content, "GetItem").messages[0].error) == 7
    assert back_off_of(answered(fault("ErrorServerBusy", back_off_ms="soon")).fault) is None


def test_an_error_behind_an_error_is_not_taken_for_the_outcome():
    """exchangelib would raise what the server met inside: a write that broke off there may have been made."""
    inner = '<m:MessageXml><t:Value Name="InnerErrorResponseCode">ErrorItemNotFound</t:Value></m:MessageXml>'
    content = refused("UpdateItem", "ErrorInternalServerError").replace(
        "</m:UpdateItemResponseMessage>", f"{inner}</m:UpdateItemResponseMessage>"
    )
    assert code_of(answered(content, "UpdateItem").messages[0].error) == "ErrorInternalServerError"


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
    with pytest.raises(Unanswered):
        answered(content)


def test_exchangelibs_parser_would_take_half_an_answer():
    """If it no longer does, ours can go."""
    half = response("SyncFolderItems", f"<m:Changes>{calendar_item()}{calendar_item()}</m:Changes>")[:-250].encode()
    assert util.to_xml(iter([half[index : index + 1] for index in range(len(half))])) is not None


JUNK = [
    *(b"&#x1f;", b"&#X1F;", b"&#0;", b"&#11;", b"&#x0B;", b"\x02"),
    *(b"&#xFFFE;", b"&#x0ffff;", b"&#65534;", b"&#065535;", b"&#xD83D;", b"&#xdfff;", b"&#55296;", b"&#57343;"),
    *(b"&#x110000;", b"&#1114112;", b"&#x" + b"f" * 50 + b";", b"&#" + b"9" * 50 + b";"),
    *("\ufffe".encode(), "\uffff".encode(), "\ud83d".encode("utf-8", "surrogatepass")),
]


@pytest.mark.parametrize("junk", JUNK)
def test_r1_a_character_that_no_xml_may_hold_spoils_nothing(junk):
    content = response("GetItem", f"<m:Items>{calendar_item(Subject='Lu@nch &#x41;&#10;&#x9;')}</m:Items>").encode()
    (message,) = answered(content.replace(b"Lu@nch", b"Lu" + junk + b"nch"), "GetItem").messages
    assert set(message.element.findtext(f".//{soap.tag('Subject')}").removeprefix("Lu").removesuffix("nch A\n\t")) == {
        "?"
    }


def test_r1_what_xml_may_hold_is_not_mended_away():
    """Every code point, as it is written in a page that something else spoils."""
    edges = [*range(0x3000), *range(0xD700, 0xE100), *range(0xFF00, 0x10100), *range(0x10FF00, 0x110100)]
    for write in ("&#{};", "&#x{:x};", "&#x{:06X};"):
        page = "".join(f"<t>{write.format(code)}</t>" for code in edges)
        told = [element.text for element in soap.parse_xml(f"<all>{page}</all>".encode())]
        assert told == [chr(code) if is_character(code) else "?" for code in edges]


def is_character(code):
    """https://www.w3.org/TR/xml/#NT-Char"""
    planes = (0x20, 0xD7FF), (0xE000, 0xFFFD), (0x10000, 0x10FFFF)
    return code in {9, 10, 13} or any(first <= code <= last for first, last in planes)


def test_what_no_xml_may_hold_is_not_sent():
    sent = service._service("FindItem")(Protocol).wrap(
        questions.marked_with("<&\"'>", "a\x00b\ud800c", offset=0), "Exchange2010_SP2"
    )
    assert b"a?b?c" in sent
    assert soap.parse_xml(sent).find(f".//{soap.tag('FolderId')}").get("Id") == "<&\"'>"
