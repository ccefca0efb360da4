"""SyncFolderItems and SyncFolderHierarchy: runs, pages, states and what ends them."""

import base64

from tests.sandbox.exchange.calls import made
from tests.sandbox.exchange.soap_bodies import KEY_URI, create, delete, item_id, meeting, set_field, sync, update

KEY = f"<t:ExtendedProperty>{KEY_URI}<t:Value>mine</t:Value></t:ExtendedProperty>"


def named(exchange, subject):
    return made(exchange, meeting(subject=subject))


def renamed(exchange, node, subject):
    change = set_field("item:Subject", f"<t:Subject>{subject}</t:Subject>")
    exchange.soap(update(item_id(node, key=False), change, resolution="AlwaysOverwrite"))


def run(exchange, state="", *, most=100, **more):
    """One page: the changes as (kind, subject or None), the state, whether it is the last."""
    answer = exchange.soap(sync(state, most=most, **more))
    assert answer.codes() == ["NoError"], answer.codes()
    rows = []
    for node in answer.all("//m:Changes/*"):
        subject = node.find(".//{*}Subject")
        rows.append((node.tag.rpartition("}")[2], subject.text if subject is not None else None))
    return rows, answer.text("//m:SyncState"), answer.text("//m:IncludesLastItemInRange") == "true"


def pages(exchange, state="", *, most=2):
    rows, last = [], False
    while not last:
        page, state, last = run(exchange, state, most=most)
        rows += page
    return rows, state


def test_the_first_run_lists_everything_newest_first(exchange):
    for number in range(5):
        named(exchange, f"s{number}")
    rows, state = pages(exchange)
    assert rows == [("Create", f"s{number}") for number in (4, 3, 2, 1, 0)]
    again, _, last = run(exchange, state)
    assert (again, last) == ([], True)


def test_later_runs_tell_each_change_once_the_latest_first(exchange):
    kept, gone = named(exchange, "kept"), named(exchange, "gone")
    _, state = pages(exchange)
    renamed(exchange, kept, "once")
    renamed(exchange, kept, "twice")
    named(exchange, "new")
    exchange.soap(delete(item_id(gone)))
    passing = named(exchange, "passing")
    exchange.soap(delete(item_id(passing)))
    rows, _ = pages(exchange, state, most=1)
    assert rows == [("Delete", None), ("Create", "new"), ("Update", "twice")]


def test_a_state_may_be_used_again(exchange):
    named(exchange, "one")
    _, state = pages(exchange)
    named(exchange, "two")
    assert run(exchange, state)[0] == run(exchange, state)[0] == [("Create", "two")]


def test_nothing_is_lost_that_changes_between_pages(exchange):
    items = [named(exchange, f"s{number}") for number in range(4)]
    first, state, last = run(exchange, most=2)
    assert (first, last) == ([("Create", "s3"), ("Create", "s2")], False)
    renamed(exchange, items[3], "s3 again")
    renamed(exchange, items[0], "s0 again")
    exchange.soap(delete(item_id(items[1])))
    named(exchange, "late")
    rest, state, last = run(exchange, state, most=2)
    assert (rest, last) == ([("Create", "s0 again")], True)
    rows, _ = pages(exchange, state)
    assert rows == [("Create", "late"), ("Delete", None), ("Update", "s0 again"), ("Update", "s3 again")]


def test_a_change_between_pages_of_a_later_run_is_not_lost_either(exchange):
    items = [named(exchange, f"s{number}") for number in range(3)]
    _, state = pages(exchange)
    for number, item in enumerate(items):
        renamed(exchange, item, f"t{number}")
    first, state, last = run(exchange, state, most=1)
    assert (first, last) == ([("Update", "t2")], False)
    renamed(exchange, items[0], "u0")
    rest, state = pages(exchange, state, most=1)
    assert rest == [("Update", "t1"), ("Update", "u0")]
    assert pages(exchange, state)[0] == [("Update", "u0")]


def test_a_moved_item_is_deleted_here_and_created_there(exchange):
    exchange.control("POST", "/accounts/ada@example.com/calendars", {"name": "Other"})
    other = exchange.control("GET", "/accounts/ada@example.com")["calendars"][1]["id"]
    there = f'<t:FolderId Id="{other}"/>'
    item = named(exchange, "moves")
    _, here_state = pages(exchange)
    _, there_state, _ = run(exchange, folder=there)
    body = {"id": item.get("Id"), "calendar": "Other"}
    exchange.control("POST", "/accounts/ada@example.com/items/move", body)
    assert run(exchange, here_state)[0] == [("Delete", None)]
    assert run(exchange, there_state, folder=there)[0] == [("Create", "moves")]


def test_marks_come_with_the_changes(exchange):
    exchange.soap(create(meeting(before_start=KEY)))
    answer = exchange.soap(sync(paths=(KEY_URI,)))
    assert answer.text("//t:Create//t:ExtendedProperty/t:Value") == "mine"


def test_ignored_items_are_left_out(exchange):
    item = named(exchange, "ignored")
    named(exchange, "seen")
    ignore = f'<m:Ignore><t:ItemId Id="{item.get("Id")}"/></m:Ignore><m:MaxChangesReturned>'
    answer = exchange.soap(sync().replace("<m:MaxChangesReturned>", ignore))
    assert [node.text for node in answer.all("//t:Subject")] == ["seen"]


def test_a_state_that_is_not_honoured_is_refused_with_an_empty_one(exchange):
    named(exchange, "one")
    _, state = pages(exchange)
    exchange.account("bo@example.com")
    exchange.control("POST", "/accounts/ada@example.com/calendars", {"name": "Other"})
    other = exchange.control("GET", "/accounts/ada@example.com")["calendars"][1]["id"]
    raw = bytearray(base64.b64decode(state))
    raw[-3] ^= 1
    bad = {
        "rubbish": ("rubbish", {}),
        "changed": (base64.b64encode(raw).decode(), {}),
        "of another folder": (state, {"folder": f'<t:FolderId Id="{other}"/>'}),
    }
    for name, (text, more) in bad.items():
        answer = exchange.soap(sync(text, **more))
        assert answer.codes() == ["ErrorInvalidSyncStateData"], name
        assert answer.text("//m:SyncState") == ""
        assert answer.text("//m:IncludesLastItemInRange") == "true"
    assert exchange.soap(sync(state), email="bo@example.com").codes() == ["ErrorInvalidSyncStateData"]


def test_states_end(exchange):
    named(exchange, "one")
    _, state = pages(exchange)
    exchange.control("POST", "/expire-sync-states", account="ada@example.com")
    assert exchange.soap(sync(state)).codes() == ["ErrorInvalidSyncStateData"]
    _, state = pages(exchange)
    exchange.control("PATCH", "/knobs", {"sync_state_max_age": 3600})
    exchange.control("POST", "/clock", {"advance": 3601})
    assert exchange.soap(sync(state)).codes() == ["ErrorInvalidSyncStateData"]


def test_a_folder_that_is_gone_cannot_be_synchronised(exchange):
    made_ = exchange.control("POST", "/accounts/ada@example.com/calendars", {"name": "Other"})
    folder = f'<t:FolderId Id="{made_["id"]}"/>'
    exchange.control("DELETE", "/accounts/ada@example.com/calendars", calendar="Other")
    assert exchange.soap(sync(folder=folder)).codes() == ["ErrorSyncFolderNotFound"]


def test_the_server_may_hand_out_less_than_asked_for(exchange):
    for number in range(3):
        named(exchange, f"s{number}")
    exchange.control("PATCH", "/knobs", {"sync_changes_cap": 2})
    rows, _, last = run(exchange, most=512)
    assert (len(rows), last) == (2, False)


def hierarchy(exchange, state=""):
    known = f"<m:SyncState>{state}</m:SyncState>" if state else ""
    answer = exchange.soap(
        "<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>"
        f"{known}</m:SyncFolderHierarchy>"
    )
    rows = [
        (node.tag.rpartition("}")[2], name.text if (name := node.find(".//{*}DisplayName")) is not None else None)
        for node in answer.all("//m:Changes/*")
    ]
    return rows, answer.text("//m:SyncState")


def test_folders_are_synchronised_too(exchange):
    rows, state = hierarchy(exchange)
    assert ("Create", "Calendar") in rows
    assert ("Create", "Inbox") in rows
    exchange.control("POST", "/accounts/ada@example.com/calendars", {"name": "Other"})
    rows, state = hierarchy(exchange, state)
    assert rows == [("Create", "Other")]
    exchange.control("PATCH", "/accounts/ada@example.com/calendars", calendar="Other", name="Renamed")
    rows, state = hierarchy(exchange, state)
    assert rows == [("Update", "Renamed")]
    exchange.control("DELETE", "/accounts/ada@example.com/calendars", calendar="Renamed")
    assert hierarchy(exchange, state)[0] == [("Delete", None)]
