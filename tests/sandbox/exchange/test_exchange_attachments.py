"""What is attached to an item: files and items, as they are added, read and taken away."""

import pytest

from tests.sandbox.exchange.calls import made
from tests.sandbox.exchange.soap_bodies import (
    create,
    equals,
    find,
    get,
    item_id,
    meeting,
    of_mailbox,
    set_field,
    shape,
    update,
    view,
    weekly,
)

BO = "bo@example.com"
FILE = (
    "<t:FileAttachment><t:Name>a.txt</t:Name><t:ContentType>text/plain</t:ContentType>"
    "<t:Content>aGVsbG8=</t:Content></t:FileAttachment>"
)
MESSAGE = "<t:ItemAttachment><t:Name>m</t:Name><t:Message><t:Subject>In it</t:Subject></t:Message></t:ItemAttachment>"
LATER = set_field("item:Attachments", f"<t:Attachments>{FILE}</t:Attachments>")


def attach(item, *files):
    return (
        f"<m:CreateAttachment>{item_id(item, 'ParentItemId').replace('t:ParentItemId', 'm:ParentItemId')}"
        f"<m:Attachments>{''.join(files)}</m:Attachments></m:CreateAttachment>"
    )


def asking(verb, *ids):
    named = "".join(f'<t:AttachmentId Id="{one}"/>' for one in ids)
    start = "<m:AttachmentShape/>" if verb == "GetAttachment" else ""
    return f"<m:{verb}>{start}<m:AttachmentIds>{named}</m:AttachmentIds></m:{verb}>"


def ids_of(answer):
    return [node.get("Id") for node in answer.all("//t:AttachmentId")]


def test_a_file_is_attached_and_the_item_has_another_key(exchange):
    item = made(exchange)
    answer = exchange.soap(attach(item, FILE))
    assert answer.codes() == ["NoError"]
    new = answer.one("//m:Attachments/t:FileAttachment/t:AttachmentId")
    now = exchange.soap(get(item_id(item)))
    assert (new.get("RootItemId"), new.get("RootItemChangeKey")) == (
        item.get("Id"),
        now.one("//t:ItemId").get("ChangeKey"),
    )
    assert new.get("RootItemChangeKey") != item.get("ChangeKey")
    assert now.text("//t:HasAttachments") == "true"
    told = "AttachmentId Name ContentType Size LastModifiedTime IsInline IsContactPhoto"
    assert now.names("//t:FileAttachment/*") == told.split()
    assert (now.text("//t:FileAttachment/t:Name"), now.text("//t:FileAttachment/t:Size")) == ("a.txt", "5")
    assert [node.text for node in exchange.soap(find(equals("item:HasAttachments", "true"))).all("//t:Subject")] == [
        "Meeting"
    ]


def test_what_is_in_it_is_asked_for_by_itself(exchange):
    item = made(exchange)
    first, second = ids_of(exchange.soap(attach(item, FILE, MESSAGE)))
    answer = exchange.soap(asking("GetAttachment", first, second))
    assert answer.text("//t:FileAttachment/t:Content") == "aGVsbG8="
    assert answer.text("//t:ItemAttachment/t:Message/t:Subject") == "In it"
    older = exchange.soap(asking("GetAttachment", first), version="Exchange2007_SP1")
    assert older.names("//t:FileAttachment/*") == ["AttachmentId", "Name", "ContentType", "Content"]


def test_it_is_taken_away_and_then_gone(exchange):
    item = made(exchange)
    (one,) = ids_of(exchange.soap(attach(item, FILE)))
    answer = exchange.soap(asking("DeleteAttachment", one))
    root = answer.one("//m:RootItemId")
    now = exchange.soap(get(item_id(item)))
    assert (root.get("RootItemId"), root.get("RootItemChangeKey")) == (
        item.get("Id"),
        now.one("//t:ItemId").get("ChangeKey"),
    )
    assert (now.text("//t:HasAttachments"), now.all("//t:Attachments")) == ("false", [])
    assert exchange.soap(asking("GetAttachment", one)).codes() == ["ErrorItemNotFound"]


def test_each_is_answered_by_itself(exchange):
    item = made(exchange)
    unnamed = FILE.replace("<t:Name>a.txt</t:Name>", "")
    nothing = "<t:ItemAttachment><t:Name>m</t:Name></t:ItemAttachment>"
    answer = exchange.soap(attach(item, unnamed, FILE, nothing))
    assert answer.codes() == ["ErrorRequiredPropertyMissing", "NoError", "ErrorMissingItemForCreateItemAttachment"]
    assert answer.one("//t:ExceptionFieldURI").get("FieldURI") == "attachment:Name"
    (one,) = ids_of(answer)
    mixed = exchange.soap(asking("GetAttachment", item.get("Id"), "", one))
    assert mixed.codes() == ["ErrorInvalidAttachmentId", "ErrorInvalidIdEmpty", "NoError"]


def test_a_new_item_comes_with_them_since_2010_sp2(exchange):
    item = meeting(before_start=f"<t:Attachments>{FILE}</t:Attachments>")
    assert exchange.soap(create(item), version="Exchange2010_SP1").codes() == ["ErrorInvalidPropertySet"]
    assert exchange.soap(get(item_id(made(exchange, item)))).text("//t:FileAttachment/t:Name") == "a.txt"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (lambda item: update(item_id(item), LATER), "ErrorInvalidPropertySet"),
        (attach, "ErrorSchemaValidation"),
        (lambda item: attach(item, FILE.replace("aGVsbG8=", "???")), "ErrorSchemaValidation"),
        (lambda item: asking("GetAttachment", "x").replace('Id="x"', 'Id="x" RootItemId="y"'), "ErrorSchemaValidation"),
        (
            lambda _: view("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z", "item:Attachments"),
            "ErrorInvalidPropertyForOperation",
        ),
    ],
)
def test_what_cannot_be_is_refused(exchange, body, code):
    assert exchange.soap(body(made(exchange))).codes() == [code]


def test_one_occurrence_has_its_own(exchange):
    item = made(exchange, meeting("2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z", tail=weekly()))
    occurrence = exchange.soap(view("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z")).one("//t:ItemId")
    assert exchange.soap(attach(occurrence, FILE)).codes() == ["NoError"]
    both = exchange.soap(get(item_id(item), item_id(occurrence, key=False)))
    assert [node.text for node in both.all("//t:HasAttachments")] == ["false", "true"]


@pytest.mark.usefixtures("bo")
def test_guests_get_them_and_who_may_not_see_the_item_does_not(exchange):
    item = meeting(
        before_start=f"<t:Sensitivity>Private</t:Sensitivity><t:Attachments>{FILE}</t:Attachments>", guests=(BO,)
    )
    mine = exchange.soap(create(item, send="SendToAllAndSaveCopy"))
    (copy,) = exchange.soap(find(), email=BO).all("//t:ItemId")
    theirs = exchange.soap(get(item_id(copy)), email=BO)
    assert theirs.text("//t:FileAttachment/t:Name") == "a.txt"
    share = {"account": BO, "level": "Editor"}
    exchange.control("PUT", "/accounts/ada@example.com/calendars/permissions", share)
    (one,) = ids_of(exchange.soap(get(item_id(mine.one("//t:ItemId")))))
    assert exchange.soap(asking("GetAttachment", one), email=BO).codes() == ["ErrorItemNotFound"]
    listed = find(folder=of_mailbox("ada@example.com")).replace(shape("IdOnly", "item:Subject"), shape("Default"))
    assert exchange.soap(listed, email=BO).all("//t:HasAttachments") == []
