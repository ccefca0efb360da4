"""Folders that are renamed, shared, moved and emptied, and items that are copied."""

import pytest

from tests.sandbox.exchange.calls import made
from tests.sandbox.exchange.soap_bodies import (
    KEY_URI,
    PRIMARY,
    find,
    get,
    get_events,
    get_folder,
    item_id,
    meeting,
    of_mailbox,
    subscribe,
    view,
    weekly,
)

BO = "bo@example.com"
BIN = '<t:DistinguishedFolderId Id="deleteditems"/>'
ROOT = '<t:DistinguishedFolderId Id="msgfolderroot"/>'


def calendar(exchange, name="Other", parent=PRIMARY):
    folder = f"<t:CalendarFolder><t:DisplayName>{name}</t:DisplayName></t:CalendarFolder>"
    body = (
        f"<m:CreateFolder><m:ParentFolderId>{parent}</m:ParentFolderId><m:Folders>{folder}</m:Folders></m:CreateFolder>"
    )
    return named(exchange.soap(body).one("//t:FolderId"))


def named(node):
    return f'<t:FolderId Id="{node.get("Id")}" ChangeKey="{node.get("ChangeKey")}"/>'


def update(folder, *changes):
    return (
        f"<m:UpdateFolder><m:FolderChanges><t:FolderChange>{folder}<t:Updates>{''.join(changes)}</t:Updates>"
        "</t:FolderChange></m:FolderChanges></m:UpdateFolder>"
    )


def setting(element, uri="folder:DisplayName", holder="CalendarFolder", verb="SetFolderField"):
    path = uri if uri.startswith("<") else f'<t:FieldURI FieldURI="{uri}"/>'
    return f"<t:{verb}>{path}<t:{holder}>{element}</t:{holder}></t:{verb}>"


def renaming(name):
    return setting(f"<t:DisplayName>{name}</t:DisplayName>")


def sharing(*rows):
    return setting(
        f"<t:PermissionSet><t:CalendarPermissions>{''.join(rows)}</t:CalendarPermissions></t:PermissionSet>",
        "folder:PermissionSet",
    )


def permission(level, who=BO, rights=""):
    return (
        f"<t:CalendarPermission><t:UserId><t:PrimarySmtpAddress>{who}</t:PrimarySmtpAddress></t:UserId>{rights}"
        f"<t:CalendarPermissionLevel>{level}</t:CalendarPermissionLevel></t:CalendarPermission>"
    )


def move(folder, target=ROOT):
    return f"<m:MoveFolder><m:ToFolderId>{target}</m:ToFolderId><m:FolderIds>{folder}</m:FolderIds></m:MoveFolder>"


def empty(folder, below="true"):
    return (
        f'<m:EmptyFolder DeleteType="HardDelete" DeleteSubFolders="{below}"><m:FolderIds>{folder}</m:FolderIds>'
        "</m:EmptyFolder>"
    )


def copy(item, target=PRIMARY, tail=""):
    return f"<m:CopyItem><m:ToFolderId>{target}</m:ToFolderId><m:ItemIds>{item}</m:ItemIds>{tail}</m:CopyItem>"


def test_a_calendar_is_renamed_and_keeps_its_id(exchange):
    folder = calendar(exchange)
    marked = f"<t:ExtendedProperty>{KEY_URI}<t:Value>k</t:Value></t:ExtendedProperty>"
    answer = exchange.soap(update(folder, renaming("New"), setting(marked, KEY_URI)))
    assert answer.codes() == ["NoError"]
    now = named(answer.one("//m:Folders/t:CalendarFolder/t:FolderId"))
    assert now.split('"')[1] == folder.split('"')[1]
    assert now != folder
    assert exchange.soap(get_folder(now)).text("//t:DisplayName") == "New"


def test_a_calendar_is_renamed_as_any_folder_and_keeps_its_class(exchange):
    folder = calendar(exchange)
    named_so = setting("<t:DisplayName>New</t:DisplayName>", holder="Folder")
    same = setting("<t:FolderClass>IPF.Appointment</t:FolderClass>", "folder:FolderClass")
    assert exchange.soap(update(folder, named_so, same)).codes() == ["NoError"]
    now = exchange.soap(get_folder(folder, base="AllProperties"))
    assert (now.text("//t:DisplayName"), now.text("//t:FolderClass")) == ("New", "IPF.Appointment")


def test_a_property_is_taken_away(exchange):
    folder = calendar(exchange)
    marked = f"<t:ExtendedProperty>{KEY_URI}<t:Value>k</t:Value></t:ExtendedProperty>"
    exchange.soap(update(folder, setting(marked, KEY_URI)))
    asked = get_folder(folder).replace(
        "</t:BaseShape>", f"</t:BaseShape><t:AdditionalProperties>{KEY_URI}</t:AdditionalProperties>"
    )
    assert exchange.soap(asked).text("//t:Value") == "k"
    exchange.soap(update(folder, f"<t:DeleteFolderField>{KEY_URI}</t:DeleteFolderField>"))
    assert exchange.soap(asked).all("//t:Value") == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (renaming("Taken"), "ErrorFolderExists"),
        (renaming(" "), "ErrorPropertyUpdate"),
        (setting("<t:DisplayName>x</t:DisplayName>", holder="TasksFolder"), "ErrorObjectTypeChanged"),
        (setting("<t:FolderClass>IPF.Note</t:FolderClass>", "folder:FolderClass"), "ErrorNoFolderClassOverride"),
        (setting("<t:TotalCount>1</t:TotalCount>", "folder:TotalCount"), "ErrorInvalidPropertySet"),
        (setting("<t:TotalCount>1</t:TotalCount>"), "ErrorUpdatePropertyMismatch"),
        (
            setting("<t:FolderClass>IPF.Note</t:FolderClass><t:DisplayName>x</t:DisplayName>"),
            "ErrorIncorrectUpdatePropertyCount",
        ),
        (setting("<t:DisplayName>x</t:DisplayName>", verb="AppendToFolderField"), "ErrorInvalidPropertyAppend"),
        (
            '<t:DeleteFolderField><t:FieldURI FieldURI="folder:DisplayName"/></t:DeleteFolderField>',
            "ErrorInvalidPropertyDelete",
        ),
        (setting("<t:DisplayName>x</t:DisplayName>", "item:Subject"), "ErrorInvalidPropertyRequest"),
    ],
)
def test_a_change_that_cannot_be_is_refused_with_those_beside_it(exchange, change, code):
    calendar(exchange, "Taken")
    folder = calendar(exchange)
    refused = exchange.soap(update(folder, renaming("Before"), change))
    assert refused.codes() == [code]
    assert refused.names("//m:UpdateFolderResponseMessage/*")[-1] == "Folders"
    assert exchange.soap(get_folder(folder)).text("//t:DisplayName") == "Other"


def test_a_key_that_is_none_is_refused(exchange):
    broken = calendar(exchange).replace('ChangeKey="', 'ChangeKey="AAAA')
    assert exchange.soap(update(broken, renaming("x"))).codes() == ["ErrorInvalidChangeKey"]


@pytest.mark.usefixtures("bo")
def test_a_calendar_is_shared_by_its_permission_set(exchange):
    folder = of_mailbox("ada@example.com")
    assert exchange.soap(get_folder(folder), email=BO).codes() == ["ErrorAccessDenied"]
    assert exchange.soap(update(PRIMARY, sharing(permission("Reviewer")))).codes() == ["NoError"]
    assert exchange.soap(get_folder(folder), email=BO).codes() == ["NoError"]
    assert exchange.soap(update(folder, renaming("Mine")), email=BO).codes() == ["ErrorAccessDenied"]
    own = "<t:ReadItems>FullDetails</t:ReadItems><t:CalendarPermissionLevel>"
    told = permission("Custom").replace("<t:CalendarPermissionLevel>", own)
    visible = "<t:IsFolderVisible>1</t:IsFolderVisible><t:ReadItems>"
    assert exchange.soap(update(PRIMARY, sharing(told.replace("<t:ReadItems>", visible)))).codes() == ["NoError"]
    assert exchange.soap(get_folder(folder), email=BO).codes() == ["NoError"]
    exchange.soap(update(PRIMARY, sharing()))
    assert exchange.soap(get_folder(folder), email=BO).codes() == ["ErrorFolderNotFound"]


@pytest.mark.usefixtures("bo")
def test_without_its_permission_set_a_calendar_is_shared_with_nobody(exchange):
    exchange.soap(update(PRIMARY, sharing(permission("Reviewer"))))
    unset = '<t:DeleteFolderField><t:FieldURI FieldURI="folder:PermissionSet"/></t:DeleteFolderField>'
    assert exchange.soap(update(PRIMARY, unset)).codes() == ["NoError"]
    assert exchange.soap(get_folder(of_mailbox("ada@example.com")), email=BO).codes() == ["ErrorFolderNotFound"]


@pytest.mark.usefixtures("bo")
def test_a_calendars_permissions_stand_in_a_calendar_folder(exchange):
    body = update(PRIMARY, sharing(permission("Reviewer")))
    plain = body.replace("CalendarFolder>", "Folder>")
    assert exchange.soap(plain).codes() == ["ErrorSchemaValidation"]


@pytest.mark.usefixtures("bo")
@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ((permission("Reviewer", "nobody@example.com"),), "ErrorInvalidUserInfo"),
        ((permission("Reviewer"), permission("Editor")), "ErrorDuplicateUserIdsSpecified"),
        ((permission("Reviewer", rights="<t:EditItems>All</t:EditItems>"),), "ErrorInvalidPermissionSettings"),
        ((permission("Sometimes"),), "ErrorSchemaValidation"),
    ],
)
def test_permissions_that_cannot_be_are_refused(exchange, rows, code):
    assert exchange.soap(update(PRIMARY, sharing(*rows))).codes() == [code]


def test_a_calendar_is_moved(exchange):
    folder = calendar(exchange)
    answer = exchange.soap(move(folder))
    assert answer.codes() == ["NoError"]
    at = exchange.soap(get_folder(named(answer.one("//t:FolderId")), base="AllProperties"))
    root = exchange.soap(get_folder(ROOT)).one("//t:FolderId").get("Id")
    assert at.one("//t:ParentFolderId").get("Id") == root


def test_a_folder_is_not_moved_where_it_cannot_be(exchange):
    folder = calendar(exchange)
    assert exchange.soap(move(PRIMARY)).codes() == ["ErrorMoveDistinguishedFolder"]
    assert exchange.soap(move(folder, target=folder)).codes() == ["ErrorMoveCopyFailed"]
    calendar(exchange, parent=ROOT)
    assert exchange.soap(move(folder)).codes() == ["ErrorFolderExists"]


def test_a_bin_is_emptied_and_a_calendar_is_not(exchange):
    item = made(exchange)
    exchange.soap(
        f'<m:DeleteItem DeleteType="MoveToDeletedItems" SendMeetingCancellations="SendToNone"><m:ItemIds>'
        f"{item_id(item)}</m:ItemIds></m:DeleteItem>"
    )
    assert len(exchange.soap(find(folder=BIN)).all("//t:ItemId")) == 1
    assert exchange.soap(empty(BIN)).codes() == ["NoError"]
    assert exchange.soap(find(folder=BIN)).all("//t:ItemId") == []
    assert exchange.soap(empty(PRIMARY)).codes() == ["ErrorCannotEmptyFolder"]
    assert exchange.soap(empty(ROOT)).codes() == ["ErrorDeleteDistinguishedFolder"]
    assert exchange.soap(empty(BIN), version="Exchange2010").codes() == ["ErrorSchemaValidation"]


def test_a_copy_is_another_item_with_all_of_the_first(exchange):
    other = calendar(exchange)
    watched = exchange.soap(subscribe("CopiedEvent"))
    item = made(exchange, meeting(before_start="<t:UID>one</t:UID>"))
    answer = exchange.soap(copy(item_id(item), other))
    copied = answer.one("//t:ItemId")
    assert answer.codes() == ["NoError"]
    assert copied.get("Id") != item.get("Id")
    both = exchange.soap(get(item_id(item), item_id(copied)))
    assert [node.text for node in both.all("//t:UID")] == ["one", "one"]
    assert len(exchange.soap(find(folder=other)).all("//t:ItemId")) == 1
    exchange.soap(copy(item_id(item)))
    told = exchange.soap(get_events(watched.text("//m:SubscriptionId"), watched.text("//m:Watermark")))
    assert {node.get("Id") for node in told.all("//t:CopiedEvent/t:OldItemId")} == {item.get("Id")}


def test_an_occurrence_is_not_copied_and_ids_can_be_left_out(exchange):
    item = made(exchange, meeting("2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z", tail=weekly()))
    first = exchange.soap(view("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z")).one("//t:ItemId")
    assert exchange.soap(copy(item_id(first))).codes() == ["ErrorCalendarCannotMoveOrCopyOccurrence"]
    silent = exchange.soap(copy(item_id(item), tail="<m:ReturnNewItemIds>false</m:ReturnNewItemIds>"))
    assert (silent.codes(), silent.all("//t:ItemId")) == (["NoError"], [])
    assert len(exchange.soap(find()).all("//t:ItemId")) == 2
