"""The envelope, versions and the schema: what Exchange refuses before an operation runs."""

import gzip
import re

import pytest

from sandbox.exchange import dispatch
from sandbox.exchange.grammar import OPERATIONS
from tests.sandbox.exchange.live import ERRORS, SOAP, TYPES
from tests.sandbox.exchange.soap_bodies import (
    STOCKHOLM,
    availability,
    create,
    get,
    get_folder,
    in_zone,
    meeting,
    of_mailbox,
    sync,
    view,
)


def test_an_answer_says_which_server_it_is(exchange):
    answer = exchange.soap(get_folder())
    info = answer.one("//s:Header/*")
    assert dict(info.attrib) == {
        "MajorVersion": "14",
        "MinorVersion": "2",
        "MajorBuildNumber": "247",
        "MinorBuildNumber": "5",
        "Version": "Exchange2010_SP2",
    }
    assert answer.text("//t:CalendarFolder/t:DisplayName") == "Calendar"


@pytest.mark.parametrize("version", ["Exchange2013", "Exchange2016", "V2017_07_11", "nonsense"])
def test_a_newer_version_is_refused_without_saying_anything_of_the_server(exchange, version):
    answer = exchange.soap(get_folder(), version=version)
    assert answer.status == 500
    assert answer.codes() == ["ErrorInvalidServerVersion"]
    assert answer.text("//s:Fault/faultcode") == "a:ErrorInvalidServerVersion"
    assert answer.all("//s:Header") == []


def test_after_an_upgrade_newer_versions_are_served(exchange):
    exchange.control("PUT", "/version", {"version": "Exchange2016"})
    answer = exchange.soap(get_folder(), version="Exchange2016")
    assert answer.one("//s:Header/*").get("MajorVersion") == "15"
    assert exchange.soap(get_folder(), version="Exchange2010").codes() == ["NoError"]


def test_a_fault_is_shaped_as_exchange_shapes_it(exchange):
    answer = exchange.soap(get_folder(), headers="<t:ExchangeImpersonation/>")
    assert answer.status == 500
    assert answer.one("//faultcode").nsmap["a"] == TYPES
    assert answer.one("//faultstring").get("{http://www.w3.org/XML/1998/namespace}lang") == "en-US"
    assert [node.tag for node in answer.one("//detail")] == [
        f"{{{ERRORS}}}ResponseCode",
        f"{{{ERRORS}}}Message",
        f"{{{TYPES}}}MessageXml",
    ]


WRONG = {
    "no base shape": ("<m:GetItem><m:ItemShape/><m:ItemIds/></m:GetItem>", "ItemShape", "has incomplete content"),
    "an unknown child": (
        "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:Nonsense/></m:GetFolder>",
        "GetFolder",
        "List of possible elements expected: 'FolderIds' in namespace",
    ),
    "the wrong order": (
        create("<t:CalendarItem><t:Start>2026-01-01T00:00:00Z</t:Start><t:Subject>late</t:Subject></t:CalendarItem>"),
        "CalendarItem",
        "has invalid child element 'Subject'",
    ),
    "an unknown value": (get(base="Everything"), "BaseShape", "The Enumeration constraint failed."),
    "a missing attribute": (get("<t:ItemId/>"), "", "The required attribute 'Id' is missing."),
    "an unknown attribute": (get('<t:ItemId Id="x" Nonsense="1"/>'), "", "The 'Nonsense' attribute is not declared."),
    "no time": (create(meeting(start="today")), "Start", "The string 'today' is not a valid AllXsd value."),
    "no number": (sync(most="many"), "MaxChangesReturned", "The string 'many' is not a valid Int32 value."),
    "too many": (sync(most=513), "MaxChangesReturned", "The MaxInclusive constraint failed."),
    "too few": (sync(most=0), "MaxChangesReturned", "The MinInclusive constraint failed."),
    "no boolean": (
        create(meeting(extra="<t:IsAllDayEvent>maybe</t:IsAllDayEvent>")),
        "IsAllDayEvent",
        "The string 'maybe' is not a valid Boolean value.",
    ),
    "no path": (get("<t:ItemId Id='x'/>", paths=("calendar:Nonsense",)), "", "The Enumeration constraint failed."),
    "no folder": (get_folder('<t:DistinguishedFolderId Id="nonsense"/>'), "", "The Enumeration constraint failed."),
    "no ids": (get(), "ItemIds", "has incomplete content"),
    "text between": (get_folder("words"), "FolderIds", "has incomplete content"),
    "an operation nobody knows": ("<m:Nonsense/>", "Nonsense", "element is not declared."),
    "a newer status": (
        create(meeting(extra="<t:LegacyFreeBusyStatus>WorkingElsewhere</t:LegacyFreeBusyStatus>")),
        "LegacyFreeBusyStatus",
        "The Enumeration constraint failed.",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_violation_of_the_schema_is_a_fault_that_tells_where(exchange, wrong):
    body, element, words = WRONG[wrong]
    answer = exchange.soap(body)
    assert (answer.status, answer.codes()) == (500, ["ErrorSchemaValidation"])
    violation = answer.text("//t:Violation")
    assert words in violation
    assert element in violation
    assert answer.text("//e:Message") == "The request failed schema validation."
    assert answer.text("//faultstring") == f"The request failed schema validation: {violation}"


def test_the_line_and_position_are_those_of_the_element(exchange):
    lines = [
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:t="{TYPES}">',
        "<s:Body>",
        '   <GetItem xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><ItemShape/>',
        "</GetItem></s:Body></s:Envelope>",
    ]
    answer = exchange.post("\n".join(lines).encode())
    line, position = (int(re.search(f"<t:{n}>(\\d+)<", answer.text)[1]) for n in ("LineNumber", "LinePosition"))
    assert line == 3
    assert lines[2][position - 1 :].startswith("ItemShape/>")


def test_booleans_come_in_two_spellings(exchange):
    for value, shown in (("1", "true"), ("true", "true"), ("0", "false"), ("false", "false")):
        made = exchange.soap(create(meeting(extra=f"<t:IsAllDayEvent>{value}</t:IsAllDayEvent>")))
        item = f'<t:ItemId Id="{made.one("//t:ItemId").get("Id")}"/>'
        assert exchange.soap(get(item)).text("//t:IsAllDayEvent") == shown


def test_a_document_type_is_never_read(exchange):
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><x>&b;</x>'
    for content in (bomb, b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>", b"no xml", b"", b"<a>" * 100):
        answer = exchange.post(content)
        assert (answer.status_code, answer.content) == (400, b"")


def test_a_request_that_is_too_large_is_refused_before_anybody_signs_in(exchange):
    exchange.control("PATCH", "/knobs", {"max_request_bytes": 1000})
    assert exchange.post(b"x" * 1001, email=None).status_code == 413
    assert exchange.post(b"x" * 1000, email=None).status_code == 401


def test_paths_are_looked_up_as_iis_does(exchange):
    assert exchange.post(b"", path="/ews/EXCHANGE.asmx").status_code == 400
    assert exchange.post(b"", path="/EWS/Other.asmx").status_code == 404
    assert exchange.http.get("/EWS/Exchange.asmx").status_code == 405


def test_a_request_without_a_version_is_one_of_2007(exchange):
    made = exchange.soap(create(meeting()), version=None)
    assert made.codes() == ["NoError"]
    zone = meeting(tail='<t:StartTimeZone Id="W. Europe Standard Time"/>')
    assert exchange.soap(create(zone), version=None).codes() == ["ErrorSchemaValidation"]


def test_times_without_an_offset_are_of_the_time_zone_context(exchange):
    headers = in_zone("W. Europe Standard Time")
    made = exchange.soap(create(meeting("2026-07-01T10:00:00", "2026-07-01T11:00:00")), headers=headers)
    item = f'<t:ItemId Id="{made.one("//t:ItemId").get("Id")}"/>'
    shown = exchange.soap(get(item))
    assert shown.text("//t:Start") == "2026-07-01T08:00:00Z"
    found = exchange.soap(view("2026-07-01T10:30:00", "2026-07-01T10:31:00"), headers=headers)
    assert len(found.all("//t:CalendarItem")) == 1
    assert exchange.soap(get_folder(), headers=in_zone("Nowhere Standard Time")).codes() == ["ErrorTimeZone"]


def test_the_clients_own_request_id_comes_back(exchange):
    answer = exchange.soap(get_folder(), http_headers={"client-request-id": "my-own"})
    assert answer.headers["request-id"] == "my-own"
    assert exchange.control("GET", "/requests")[-1]["request_id"] == "my-own"


def test_a_mailbox_is_named_by_its_primary_address(exchange):
    exchange.account("bo@example.com", aliases=["robert@example.com"])
    assert exchange.soap(get_folder(of_mailbox("nobody@example.com"))).codes() == ["ErrorNonExistentMailbox"]
    refused = exchange.soap(get_folder(of_mailbox("robert@example.com")))
    assert refused.codes() == ["ErrorNonPrimarySmtpAddress"]
    assert refused.text("//m:MessageXml/t:Value") == "bo@example.com"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (create(meeting(start="0001-01-01T00:00:00Z")), "ErrorInvalidValueForProperty"),
        (create(meeting(end="9999-12-31T23:59:59Z")), "ErrorInvalidValueForProperty"),
        (create(meeting(start="0000-01-01T00:00:00Z")), "ErrorSchemaValidation"),
        (view("0001-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), "ErrorValueOutOfRange"),
        (view("2026-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"), "ErrorValueOutOfRange"),
        (availability("ada@example.com", end="9999-12-31T23:59:59Z"), "ErrorInvalidTimeInterval"),
        (availability("ada@example.com", zone=STOCKHOLM.replace(">-60<", ">2147483647<", 1)), "ErrorTimeZone"),
        (
            create(meeting(extra="<t:LegacyFreeBusyStatus>NoData</t:LegacyFreeBusyStatus>")),
            "ErrorInvalidValueForProperty",
        ),
        (availability("ada@example.com", zone=STOCKHOLM.replace("03:00:00", "soon")), "ErrorTimeZone"),
        (availability("ada@example.com", zone=STOCKHOLM.replace("Order>5", "Order>0")), "ErrorTimeZone"),
        (availability("ada@example.com", zone=STOCKHOLM.replace("Order>5", "Order>6")), "ErrorTimeZone"),
        (availability("ada@example.com", zone=STOCKHOLM.replace(">10</t:Month", ">13</t:Month")), "ErrorTimeZone"),
    ],
)
def test_values_that_fit_the_schema_and_nothing_else_are_refused(exchange, body, code):
    assert exchange.soap(body).codes() == [code]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP"])
def test_a_compressed_request_is_not_read(exchange, encoding):
    body = gzip.compress(exchange.envelope(get_folder()))
    answer = exchange.post(body, headers={"content-encoding": encoding})
    assert (answer.status_code, answer.content) == (415, b"")
    plain = exchange.post(exchange.envelope(get_folder()), headers={"content-encoding": "identity"})
    assert plain.status_code == 200


@pytest.mark.parametrize("encoding", ["nonsense", "shift_jis", "utf-7"])
def test_an_encoding_nobody_reads_is_no_xml(exchange, encoding):
    content = exchange.envelope(get_folder()).replace(b"utf-8", encoding.encode(), 1)
    answer = exchange.post(content)
    assert (answer.status_code, answer.content) == (400, b"")


@pytest.mark.parametrize("letter", ["&#xD800;", "&#0;", "&#1;", "&#xFFFE;", b"\xed\xa0\x80", b"\xff", b"\0"])
def test_letters_xml_does_not_have_are_no_xml(exchange, letter):
    raw = letter if isinstance(letter, bytes) else letter.encode()
    content = exchange.envelope(create(meeting(subject="@@"))).replace(b"@@", raw)
    answer = exchange.post(content)
    assert (answer.status_code, answer.content) == (400, b"")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_operation_takes_nothing_amiss(exchange, operation):
    answer = exchange.soap(f"<{operation}/>")
    assert answer.codes() in (["ErrorSchemaValidation"], ["NoError"])


def test_what_nobody_thought_of_is_a_fault_and_in_the_log(exchange, monkeypatch, caplog):
    def fail(_):
        raise ZeroDivisionError("nobody thought of it")

    monkeypatch.setitem(dispatch.OPERATIONS, "m:GetFolder", fail)
    answer = exchange.soap(get_folder())
    assert (answer.status, answer.codes()) == (500, ["ErrorInternalServerError"])
    assert answer.text("//faultstring") == "An internal server error occurred. The operation failed."
    assert answer.one("//s:Header/*").get("Version") == "Exchange2010_SP2"
    assert "nobody thought of it" in caplog.text
    monkeypatch.undo()
    assert exchange.soap(get_folder()).codes() == ["NoError"]
