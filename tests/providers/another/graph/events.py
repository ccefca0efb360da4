"""Everything below a calendar: its events, its view, change tracking, free/busy.

The one rule: what the documentation says of a request is checked before anything is done.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.providers.another.graph import rules
from tests.providers.another.graph.forms import Wish, etag
from tests.providers.another.graph.mailbox import Item, Mailbox, person
from tests.providers.another.graph.rules import Refusal
from tests.providers.another.graph.wire import Asked, Said

if TYPE_CHECKING:
    from tests.providers.another.graph.server import AnotherGraph

_DELTA = re.compile(r"(microsoft\.graph\.)?delta(\(\))?")
_LINKS = frozenset({"$skiptoken", "$deltatoken"})
_ANSWERS = {"accept": "accepted", "decline": "declined", "tentativelyAccept": "tentativelyAccepted"}
_BLOB = '<div class="me-email-text">Microsoft Teams meeting<a href="https://teams.example/l/1">Join</a></div>'


class Events:
    """Answers for one mailbox."""

    def __init__(self, graph: "AnotherGraph") -> None:
        self._graph = graph
        self.mailed: list[tuple[str, str]] = []
        """What kind of mail Outlook sent, and to whom."""
        self.spelt: Callable[[str], str] = str.title
        """How the directory writes what stands before the @."""

    @property
    def _mailbox(self) -> Mailbox:
        return self._graph.mailbox

    def answer(self, asked: Asked, calendar: str | None, path: list[str]) -> Said:
        """Within a calendar, or in the whole mailbox."""
        match asked.method, path:
            case "GET", ["calendarView"] if calendar:
                return self._view(asked, calendar)
            case "GET", ["calendarView", verb] if calendar and _DELTA.fullmatch(verb):
                return self._changes(asked, calendar)
            case "GET", ["events"]:
                return self._list(asked, calendar)
            case "POST", ["events"]:
                return self._create(asked, calendar or self._mailbox.home)
            case "POST", ["getSchedule"]:
                return self._schedule(asked)
            case _, ["events", event, *rest]:
                return self._one(asked, self._item(calendar, event), rest)
        raise Refusal(405, "MethodNotAllowed", f"The HTTP method is not allowed on {path}.")

    def _item(self, calendar: str | None, told_id: str) -> Item:
        item = self._mailbox.find(told_id.removeprefix("mutable-"))
        if item is None or calendar not in {None, item.calendar}:
            raise Refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return item

    def _one(self, asked: Asked, item: Item, rest: list[str]) -> Said:
        match asked.method, rest:
            case "GET", []:
                query = rules.query_of(asked, frozenset({"$select", "$expand"}))
                return Said(200, self._told(item, rules.wish_of(asked, query)))
            case "GET", ["instances"]:
                query = rules.query_of(asked, rules.VIEW)
                window, wish = rules.window_of(query), rules.wish_of(asked, query)
                if item.type != "seriesMaster":
                    raise Refusal(400, "ErrorInvalidRequest", "The event isn't the master of a series.")
                return self._listed(asked, [date for date in item.parts() if date.touches(window)], wish)
            case "PATCH", []:
                return self._update(asked, item)
            case "DELETE", []:
                rules.query_of(asked, frozenset())
                self._may_go(asked, item)
                self._mail("cancelled", item)
                self._mailbox.remove(item)
                return Said(204)
            case "POST", ["cancel"]:
                return self._cancel(asked, item)
            case "POST", [verb] if verb in _ANSWERS:
                return self._respond(asked, item, verb)
        raise Refusal(405, "MethodNotAllowed", f"The HTTP method is not allowed on {rest}.")

    def _view(self, asked: Asked, calendar: str) -> Said:
        query = rules.query_of(asked, rules.VIEW)
        return self._listed(asked, self._mailbox.view(calendar, rules.window_of(query)), rules.wish_of(asked, query))

    def _list(self, asked: Asked, calendar: str | None) -> Said:
        query = rules.query_of(asked, rules.LISTING)
        wish = rules.wish_of(asked, query)
        found = [item for item in self._mailbox.items.values() if calendar in {None, item.calendar}]
        if "$filter" in query:
            mark, value = rules.marked(query["$filter"])
            found = [item for item in found if item.marks.get(mark, "").casefold() == value]
        return self._listed(asked, found, wish)

    def _listed(self, asked: Asked, items: list[Item], wish: Wish) -> Said:
        size = min(wish.page, 3)
        return Said(200, self._graph.paged(asked, [self._told(item, wish) for item in items], size))

    def _changes(self, asked: Asked, calendar: str) -> Said:
        base = f"{self._graph.url}/me/calendars('{calendar.replace('/', '%2F').replace('+', '%2B')}')"
        url = f"{base}/calendarView/microsoft.graph.delta()"
        query = rules.query_of(asked, _LINKS | {"startdatetime", "enddatetime"})
        wish = rules.wish_of(asked, {})
        if _LINKS & set(query):
            if len(query) > 1:
                raise Refusal(400, "ErrorInvalidUrlQuery", "A link holds all that was asked.")
            return Said(200, self._graph.tracking.more(next(iter(query.values())), wish, url))
        return Said(200, self._graph.tracking.first(calendar, rules.window_of(query), wish, url))

    def _create(self, asked: Asked, calendar: str) -> Said:
        rules.query_of(asked, frozenset())
        body, wish = rules.event_body(asked, create=True), rules.wish_of(asked, {})
        again = body.get("transactionId") and self._by_transaction(body["transactionId"])
        if again:
            if (again.start, again.members["subject"]) != (rules.instant(body["start"]), body.get("subject")):
                message = (
                    "The TransactionId specified in the request has already been used to create a different event."
                )
                raise Refusal(409, "ErrorDuplicateTransactionId", message)
            return Said(201, self._told(again, wish))
        if not self._mailbox.calendars[calendar]["canEdit"]:
            raise Refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        body |= _zones(body)
        start, end = rules.instant(body.pop("start")), rules.instant(body.pop("end"))
        marks = body.pop("singleValueExtendedProperties", ())
        made = self._mailbox.add(
            start, (end - start) / timedelta(minutes=1), calendar=calendar, **_kept(body, self.spelt)
        )
        made.marks = {rules.mark_id(one["id"]): one["value"] for one in marks}
        self._mail("invited", made)
        return Said(201, self._told(made, wish))

    def _by_transaction(self, transaction: str) -> Item | None:
        found = (one for one in self._mailbox.items.values() if one.members.get("transactionId") == transaction)
        return next(found, None)

    def _update(self, asked: Asked, item: Item) -> Said:
        rules.query_of(asked, frozenset())
        body, wish = rules.event_body(asked, create=False), rules.wish_of(asked, {})
        self._may_go(asked, item)
        if not item.members.get("isOrganizer", True):
            raise Refusal(403, "ErrorAccessDenied", "Only the organizer can change the meeting.")
        for one in body.pop("singleValueExtendedProperties", ()):
            item.marks[rules.mark_id(one["id"])] = one["value"]
        zones = _zones(body)
        times = {word: rules.instant(body.pop(word)) for word in ("start", "end") if word in body}
        before = item.members.get("attendees", [])
        kept = _kept(body, self.spelt, online=item.members.get("isOnlineMeeting", False))
        if "body" in body and item.members.get("isOnlineMeeting") and "me-email-text" not in kept["body"]["content"]:
            kept |= {"isOnlineMeeting": False, "onlineMeeting": None, "onlineMeetingProvider": "unknown"}
        known = {_address(one).casefold(): one["status"] for one in before if "status" in one}
        for one in kept.get("attendees", ()):
            if _address(one).casefold() in known:
                one["status"] = known[_address(one).casefold()]
        self._mailbox.change(item, **times, **zones, **kept)
        self._mail("updated", item)
        for lost in {_address(one) for one in before} - {_address(one) for one in item.members.get("attendees", [])}:
            self.mailed.append(("cancelled", lost))
        return Said(200, self._told(item, wish))

    def _may_go(self, asked: Asked, item: Item) -> None:
        wanted = asked.headers.get("if-match")
        if wanted and not re.fullmatch(r'\*|(W/)?"[^"]*"', wanted):
            raise Refusal(400, "malformedEntityTag", "ETags must be quoted strings.")
        if wanted and wanted not in {"*", etag(item)}:
            raise Refusal(412, "ErrorIrresolvableConflict", "The change key is not the current one.")

    def _cancel(self, asked: Asked, item: Item) -> Said:
        rules.parameters(asked, comment=str)
        if not item.members.get("isOrganizer", True):
            message = "Your request can't be completed. You need to be an organizer to cancel a meeting."
            raise Refusal(400, "ErrorInvalidRequest", message)
        self._mail("cancelled", item)
        self._mailbox.remove(item)
        return Said(202)

    def _respond(self, asked: Asked, item: Item, verb: str) -> Said:
        told = rules.parameters(asked, comment=str, sendresponse=bool, proposednewtime=dict)
        if item.members.get("isOrganizer", True):
            message = "Your request can't be completed. You can't respond to this meeting because you're the organizer."
            raise Refusal(400, "ErrorInvalidRequest", message)
        if "comment" in told and not told.get("sendresponse", True):
            raise Refusal(400, "ErrorInvalidRequest", "'SendResponse' must be true when 'Comment' is not null.")
        if told.get("sendresponse", True) and not item.members.get("responseRequested", True):
            message = "Your request can't be completed. The meeting organizer hasn't requested a response."
            raise Refusal(400, "ErrorInvalidRequest", message)
        answer = {"response": _ANSWERS[verb], "time": "2026-03-01T09:00:00Z"}
        shown = {"accept": "busy", "tentativelyAccept": "tentative", "decline": "free"}[verb]
        self._mailbox.change(item, responseStatus=answer, showAs=shown)
        return Said(202)

    def _schedule(self, asked: Asked) -> Said:
        rules.query_of(asked, frozenset())
        wish = rules.wish_of(asked, {})
        told = rules.parameters(asked, schedules=list, starttime=dict, endtime=dict, availabilityviewinterval=int)
        start, end = rules.instant(told["starttime"]), rules.instant(told["endtime"])
        interval = told.get("availabilityviewinterval", 30)
        if not 5 <= interval <= 1440 or timedelta(minutes=interval) > end - start:
            message = "Specify an interval that is less than the free/busy time window and between 5 and 1440 minutes."
            raise Refusal(400, "ErrorInvalidMergedFreeBusyInterval", message)
        if not 0 < len(told["schedules"]) <= 20:
            raise Refusal(400, "ErrorInvalidParameter", "20 schedules at most.")
        if end - start > timedelta(days=62):
            raise Refusal(400, "ErrorTimeIntervalTooBig", "The requested time duration is too long; 62 days at most.")
        rows = [self._whose(address, start, end, wish) for address in told["schedules"]]
        return Said(200, self._graph.forms.shuffled({"@odata.context": "x", "value": rows}))

    def _whose(self, address: str, start: datetime, end: datetime, wish: Wish) -> dict[str, Any]:
        if address.casefold() != self._mailbox.address.casefold():
            error = {"message": "The mailbox could not be resolved.", "responseCode": "ErrorMailRecipientNotFound"}
            return {"scheduleId": address, "error": error}
        moment = self._graph.forms.moment
        items = [
            {"status": item.members.get("showAs", "busy"), "start": moment(item.start, wish.zone)}
            | {"end": moment(item.end, wish.zone)}
            for item in self._mailbox.view(self._mailbox.home, (start, end))
        ]
        return self._graph.forms.shuffled({"scheduleId": address, "availabilityView": "0", "scheduleItems": items})

    def _told(self, item: Item, wish: Wish) -> dict[str, Any]:
        master = self._mailbox.items.get(item.master) if item.master else None
        told = self._graph.forms.event(item, master, wish)
        expanded = [{"id": mark, "value": value} for mark, value in item.marks.items() if mark in wish.expand]
        return told | {"singleValueExtendedProperties": expanded} if expanded else told

    def _mail(self, what: str, item: Item) -> None:
        self.mailed += [(what, _address(one)) for one in item.members.get("attendees", [])]


def _zones(body: dict[str, Any]) -> dict[str, str]:
    """The zones an event was written in are remembered."""
    words = {"start": "originalStartTimeZone", "end": "originalEndTimeZone"}
    return {word: body[end]["timeZone"] for end, word in words.items() if end in body}


def _kept(body: dict[str, Any], spelt: Callable[[str], str], *, online: bool = False) -> dict[str, Any]:
    """What Outlook makes of what it was told: a page of HTML, a fuller location, the directory's spelling."""
    kept = dict(body)
    if "attendees" in kept:
        kept["attendees"] = [_looked_up(one, spelt) for one in kept["attendees"]]
    if kept.get("location"):
        place = kept["location"] | {"locationType": "default", "uniqueId": "x", "uniqueIdType": "private"}
        kept |= {"location": place, "locations": [place]}
    if kept.get("isOnlineMeeting") and not online:
        kept["onlineMeeting"] = {"joinUrl": "https://teams.example/l/1", "conferenceId": "177513992"}
        kept.setdefault("body", {"contentType": "html", "content": ""})
    if "body" in kept:
        blob = _BLOB if kept.get("isOnlineMeeting") and not online else ""
        text = kept["body"]["content"]
        if kept["body"].get("contentType", "text").lower() == "text":
            text = text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>\r\n")
        kept["body"] = {
            "contentType": "html",
            "content": f"<html>\r\n<head>\r\n</head><body>\r\n{text}{blob}\r\n</body></html>\r\n",
        }
    return kept


def _looked_up(guest: dict[str, Any], spelt: Callable[[str], str]) -> dict[str, Any]:
    address = guest["emailAddress"]["address"]
    local, _, domain = address.partition("@")
    return {"type": guest.get("type", "required")} | person(
        f"{spelt(local)}@{domain}", guest["emailAddress"].get("name") or address
    )


def _address(guest: dict[str, Any]) -> str:
    return str(guest["emailAddress"].get("address", ""))
