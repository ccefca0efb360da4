"""Folders: what a mailbox has, how it is listed, and calendars that come and go."""

import pytest

from tests.sandbox.exchange.soap_bodies import (
    create,
    delete,
    equals,
    get,
    get_folder,
    item_id,
    meeting,
    of_mailbox,
    set_field,
    update,
)

RENAMED = set_field("item:Subject", "<t:Subject>New</t:Subject>")
ROOT = '<t:DistinguishedFolderId Id="msgfolderroot"/>'


def find_folder(traversal="Deep", restriction="", page="", parent=ROOT):
    limited = f"<m:Restriction>{restriction}</m:Restriction>" if restriction else ""
    return (
        f'<m:FindFolder Traversal="{traversal}"><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>'
        f"{page}{limited}<m:ParentFolderIds>{parent}</m:ParentFolderIds></m:FindFolder>"
    )


def create_folder(*folders, parent='<t:DistinguishedFolderId Id="calendar"/>'):
    return (
        f"<m:CreateFolder><m:ParentFolderId>{parent}</m:ParentFolderId><m:Folders>{''.join(folders)}</m:Folders>"
        "</m:CreateFolder>"
    )


def calendar(name):
    return f"<t:CalendarFolder><t:DisplayName>{name}</t:DisplayName></t:CalendarFolder>"


def names(answer):
    return [node.text for node in answer.all("//t:DisplayName")]


def test_distinguished_folders_are_there(exchange):
    folders = ("root", "msgfolderroot", "calendar", "inbox", "deleteditems", "tasks", "contacts")
    ids = (f'<t:DistinguishedFolderId Id="{name}"/>' for name in folders)
    answer = exchange.soap(get_folder(*ids))
    assert answer.codes() == ["NoError"] * len(folders)
    kinds = answer.names("//m:Folders/*")
    assert kinds == ["Folder", "Folder", "CalendarFolder", "Folder", "Folder", "TasksFolder", "ContactsFolder"]
    assert exchange.soap(get_folder('<t:DistinguishedFolderId Id="voicemail"/>')).codes() == ["ErrorFolderNotFound"]


def test_all_properties_of_a_calendar(exchange):
    answer = exchange.soap(get_folder(base="AllProperties"))
    assert answer.text("//t:FolderClass") == "IPF.Appointment"
    assert answer.text("//t:EffectiveRights/t:CreateContents") == "true"
    assert answer.all("//t:ParentFolderId")
    assert answer.all("//t:UnreadCount") == []


def test_calendars_are_found_by_their_class(exchange):
    made = exchange.soap(create_folder(calendar("Work"), calendar("Private")))
    assert made.codes() == ["NoError", "NoError"]
    answer = exchange.soap(find_folder(restriction=equals("folder:FolderClass", "IPF.Appointment")))
    assert names(answer) == ["Calendar", "Private", "Work"]
    assert names(exchange.soap(find_folder("Shallow", parent='<t:DistinguishedFolderId Id="calendar"/>'))) == [
        "Private",
        "Work",
    ]


def test_folders_come_in_pages(exchange):
    seen, offset, last = [], "0", "false"
    while last == "false":
        page = f'<m:IndexedPageFolderView MaxEntriesReturned="4" Offset="{offset}" BasePoint="Beginning"/>'
        answer = exchange.soap(find_folder(page=page))
        seen += names(answer)
        root = answer.one("//m:RootFolder")
        offset, last = root.get("IndexedPagingOffset"), root.get("IncludesLastItemInRange")
    assert seen == names(exchange.soap(find_folder()))
    assert len(seen) == len(set(seen)) == 11


def test_a_folder_needs_a_name_of_its_own(exchange):
    exchange.soap(create_folder(calendar("Work")))
    assert exchange.soap(create_folder(calendar("WORK"))).codes() == ["ErrorFolderExists"]
    assert exchange.soap(create_folder("<t:CalendarFolder/>")).codes() == ["ErrorPropertyUpdate"]
    wrong = (
        "<t:CalendarFolder><t:FolderClass>IPF.Note</t:FolderClass><t:DisplayName>x</t:DisplayName></t:CalendarFolder>"
    )
    assert exchange.soap(create_folder(wrong)).codes() == ["ErrorNoFolderClassOverride"]


def test_a_folder_keeps_the_properties_that_programs_give_it(exchange):
    uri = (
        '<t:ExtendedFieldURI PropertySetId="6e1cf3a4-0e0c-4a8b-9c5e-0f4f7a1d27b6" PropertyName="mark"'
        ' PropertyType="String"/>'
    )
    marked = calendar("Work").replace(
        "</t:CalendarFolder>",
        f"<t:ExtendedProperty>{uri}<t:Value>ours</t:Value></t:ExtendedProperty></t:CalendarFolder>",
    )
    assert exchange.soap(create_folder(marked, calendar("Plain"))).codes() == ["NoError", "NoError"]
    paths = f"<t:AdditionalProperties>{uri}</t:AdditionalProperties>"
    asked = find_folder().replace("</t:BaseShape>", f"</t:BaseShape>{paths}")
    told = exchange.soap(asked).one("//t:CalendarFolder[t:ExtendedProperty]")
    order = [child.tag.rpartition("}")[2] for child in told]
    assert order == ["FolderId", "DisplayName", "TotalCount", "ChildFolderCount", "ExtendedProperty"]
    assert exchange.soap(find_folder()).all("//t:ExtendedProperty") == [], "told only to those who ask by name"
    equal = f'<t:IsEqualTo>{uri}<t:FieldURIOrConstant><t:Constant Value="ours"/></t:FieldURIOrConstant></t:IsEqualTo>'
    assert names(exchange.soap(find_folder(restriction=equal))) == ["Work"]


def test_a_calendar_that_a_person_puts_into_the_bin_keeps_its_id(exchange):
    made = exchange.control("POST", "/accounts/ada@example.com/calendars", {"name": "Work"})
    exchange.control("DELETE", "/accounts/ada@example.com/calendars", calendar="Work", to_bin=True)
    below = exchange.soap(find_folder(parent='<t:DistinguishedFolderId Id="deleteditems"/>'))
    assert below.one("//t:FolderId").get("Id") == made["id"]
    (_, work) = exchange.control("GET", "/accounts/ada@example.com")["calendars"]
    assert (work["id"], work["in_bin"]) == (made["id"], True)


@pytest.mark.parametrize("disposal", ["HardDelete", "MoveToDeletedItems"])
def test_a_calendar_is_deleted_and_a_mailboxs_own_is_not(exchange, disposal):
    made = exchange.soap(create_folder(calendar("Work"))).one("//t:FolderId")
    ids = f'<t:FolderId Id="{made.get("Id")}"/><t:DistinguishedFolderId Id="calendar"/>'
    answer = exchange.soap(f'<m:DeleteFolder DeleteType="{disposal}"><m:FolderIds>{ids}</m:FolderIds></m:DeleteFolder>')
    assert answer.codes() == ["NoError", "ErrorDeleteDistinguishedFolder"]
    left = exchange.soap(get_folder(f'<t:FolderId Id="{made.get("Id")}"/>')).codes()
    assert left == (["NoError"] if disposal == "MoveToDeletedItems" else ["ErrorFolderNotFound"])
    below = exchange.soap(find_folder(parent='<t:DistinguishedFolderId Id="calendar"/>'))
    assert names(below) == []


def test_another_mailboxs_calendar_is_listed_where_it_is_shared(exchange):
    exchange.account("bo@example.com")
    exchange.control("POST", "/accounts/bo@example.com/calendars", {"name": "Team"})
    share = {"account": "ada@example.com", "level": "Reviewer"}
    exchange.control("PUT", "/accounts/bo@example.com/calendars/permissions", share)
    shared = of_mailbox("bo@example.com")
    answer = exchange.soap(get_folder(shared, base="AllProperties"))
    assert answer.codes() == ["NoError"]
    assert answer.text("//t:EffectiveRights/t:CreateContents") == "false"
    assert names(exchange.soap(find_folder(parent=shared))) == [], "what is below it is not shared"
    assert exchange.soap(create_folder(calendar("x"), parent=shared)).codes() == ["ErrorCreateSubfolderAccessDenied"]


def test_sharing_is_told_to_the_owner(exchange):
    share = {"account": "bo@example.com", "level": "Editor"}
    exchange.control("PUT", "/accounts/ada@example.com/calendars/permissions", share)
    paths = '<t:AdditionalProperties><t:FieldURI FieldURI="folder:PermissionSet"/></t:AdditionalProperties>'
    body = get_folder().replace("</t:BaseShape>", f"</t:BaseShape>{paths}")
    answer = exchange.soap(body)
    levels = [node.text for node in answer.all("//t:CalendarPermissionLevel")]
    assert levels == ["FreeBusyTimeOnly", "Editor"]
    assert answer.text("//t:DistinguishedUser") == "Default"


def test_an_id_of_an_item_is_no_folder(exchange):
    item = exchange.human("ada@example.com", {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T01:00:00Z"})
    assert exchange.soap(get_folder(f'<t:FolderId Id="{item["id"]}"/>')).codes() == ["ErrorCannotUseItemIdForFolderId"]


def test_sharing_decides_what_others_see_and_change(exchange):
    exchange.account("bo@example.com")
    private = meeting(
        before_start='<t:Sensitivity>Private</t:Sensitivity><t:Body BodyType="Text">secret</t:Body>',
        extra="<t:Location>secret</t:Location>",
        guests=("secret@client.example",),
    )
    item = exchange.soap(create(private)).one("//t:ItemId")
    other = {"email": "bo@example.com"}

    def share(level):
        body = {"account": "bo@example.com", "level": level}
        exchange.control("PUT", "/accounts/ada@example.com/calendars/permissions", body)

    assert exchange.soap(get_folder(of_mailbox("ada@example.com")), **other).codes() == ["ErrorAccessDenied"]
    share("None")
    assert exchange.soap(get_folder(of_mailbox("ada@example.com")), **other).codes() == ["ErrorFolderNotFound"]
    assert exchange.soap(get(item_id(item)), **other).codes() == ["ErrorItemNotFound"]
    share("Reviewer")
    seen = exchange.soap(get(item_id(item)), **other)
    assert seen.text("//t:Subject") == "Private Appointment"
    assert seen.text("//t:CalendarItem/t:Start") == "2026-12-01T10:00:00Z"
    assert "secret" not in "".join(seen.root.itertext())
    assert seen.text("//t:EffectiveRights/t:Modify") == "false"
    assert exchange.soap(update(item_id(item), RENAMED), **other).codes() == ["ErrorAccessDenied"]
    into = create(meeting(), folder=of_mailbox("ada@example.com"))
    assert exchange.soap(into, **other).codes() == ["ErrorCreateItemAccessDenied"]
    share("Editor")
    assert exchange.soap(into, **other).codes() == ["NoError"]
    assert exchange.soap(delete(item_id(item)), **other).codes() == ["NoError"]
