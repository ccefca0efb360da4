"""GetUserAvailability. The one rule: what is wrong with one mailbox is told of that mailbox, what is wrong with the
request is a fault; and nobody sees more of another's calendar than it is shared with them.

Times come and go as wall times of the zone the request spells out, by its biases and rules.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from sandbox.exchange.call import Call, response
from sandbox.exchange.errors import MESSAGES, Fault, Refusal
from sandbox.exchange.finding import views_in
from sandbox.exchange.ids import StoreId, write_format
from sandbox.exchange.items import View
from sandbox.exchange.markup import Markup, boolean, element
from sandbox.exchange.reading import Node
from sandbox.exchange.rights import Rights
from sandbox.exchange.suggestions import People, read_options, span_of, write_suggestions
from sandbox.exchange.times import InvalidTime, parse_date_time, wall
from sandbox.exchange.versions import EXCHANGE_2013
from sandbox.exchange.world import Folder, Mailbox
from sandbox.exchange.zones import Change, Rules, rules_of

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MERGED = {"MergedOnly", "FreeBusyMerged", "DetailedMerged"}
_WEIGHTS = ("Free", "WorkingElsewhere", "Tentative", "Busy", "OOF")
_DIGITS: Mapping[str, str] = {"Free": "0", "Tentative": "1", "Busy": "2", "OOF": "3", "WorkingElsewhere": "4"}
_DEFAULT_INTERVAL = 30
_FARTHEST = 24 * 60
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?")


@dataclass(frozen=True)
class RequestZone:
    """A `SerializableTimeZone`: biases in minutes to add to a wall time to get UTC."""

    rules: Rules

    def to_wall(self, instant: datetime) -> datetime:
        utc = instant.astimezone(UTC).replace(tzinfo=None)
        standard = utc - timedelta(minutes=self.rules.standard_bias)
        return standard if not self._daylight(standard) else utc - timedelta(minutes=self.rules.daylight_bias)

    def to_utc(self, moment: datetime) -> datetime:
        shift = timedelta(minutes=self.rules.daylight_bias - self.rules.standard_bias)
        bias = self.rules.daylight_bias if self._daylight(moment + shift) else self.rules.standard_bias
        return (moment + timedelta(minutes=bias)).replace(tzinfo=UTC)

    def _daylight(self, standard: datetime) -> bool:
        """Whether clocks are moved at a moment told in standard time."""
        to_daylight, to_standard = self.rules.to_daylight, self.rules.to_standard
        if to_daylight is None or to_standard is None:
            return False
        begin = _moment(to_daylight, standard.year)
        # The change back is told in daylight time.
        end = _moment(to_standard, standard.year) + timedelta(
            minutes=self.rules.daylight_bias - self.rules.standard_bias
        )
        return begin <= standard < end if begin < end else not end <= standard < begin


def _moment(change: Change, year: int) -> datetime:
    """The wall time of a yearly change."""
    first = datetime(year, change.month, 1)  # noqa: DTZ001 - a wall time
    days = (change.weekday - first.weekday()) % 7 + 7 * (change.occurrence - 1)
    moment = first + timedelta(days=days)
    while moment.month != change.month:
        moment -= timedelta(days=7)
    return moment + change.at


def _read_zone(call: Call) -> RequestZone:
    node = call.body.find("t:TimeZone")
    if node is None:
        if call.zone is None:
            raise Fault("ErrorTimeZone", "The time zone of the request is missing.")
        return RequestZone(rules_of(call.zone.rules))
    bias = int(node.text_of("t:Bias") or 0)
    standard, daylight = node.find("t:StandardTime"), node.find("t:DaylightTime")
    assert standard is not None
    assert daylight is not None
    to_standard, to_daylight = _read_change(standard), _read_change(daylight)
    if to_standard is None or to_daylight is None:
        return RequestZone(Rules(_check(bias), bias, None, None))
    moved = bias + int(daylight.text_of("t:Bias") or 0)
    return RequestZone(
        Rules(_check(bias + int(standard.text_of("t:Bias") or 0)), _check(moved), to_standard, to_daylight)
    )


def _check(bias: int) -> int:
    if abs(bias) > _FARTHEST:
        raise Fault("ErrorTimeZone", "The time zone of the request is not valid.")
    return bias


def _read_change(node: Node) -> Change | None:
    month = int(node.text_of("t:Month") or 0)
    if month == 0:
        return None
    day = node.text_of("t:DayOfWeek") or ""
    occurrence = int(node.text_of("t:DayOrder") or 1)
    at = _CLOCK.fullmatch((node.text_of("t:Time") or "").strip())
    if day not in _WEEKDAYS or not 1 <= month <= 12 or not 1 <= occurrence <= 5 or at is None:
        raise Fault("ErrorTimeZone", "The time zone of the request is not valid.")
    return Change(month, _WEEKDAYS.index(day), occurrence, timedelta(hours=int(at[1]), minutes=int(at[2])))


# the operation ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """What is asked of every mailbox."""

    zone: RequestZone
    begin: datetime
    end: datetime
    view: str
    interval: int


def get_user_availability(call: Call) -> Markup:
    asks_times = call.body.find("t:FreeBusyViewOptions") is not None
    asks_suggestions = call.body.find("t:SuggestionsViewOptions") is not None
    if not asks_times and not asks_suggestions:
        raise Fault("ErrorInvalidRequest", "The request is invalid: FreeBusyViewOptions is missing.")
    _check_mailboxes(call)
    times = _times(call) if asks_times else None
    return response("GetUserAvailability", times, _suggestions(call) if asks_suggestions else None)


def _check_mailboxes(call: Call) -> None:
    array = call.body.find("m:MailboxDataArray")
    assert array is not None
    limit = call.world.knobs.free_busy_max_mailboxes
    if not array.children:
        raise Fault("ErrorMailboxDataArrayEmpty", "The MailboxDataArray is empty.")
    if len(array.children) > limit:
        raise Fault(
            "ErrorMailboxDataArrayTooBig",
            f"There are too many target users in the EmailAddress array. The allowed size = {limit}; the actual size = "
            f"{len(array.children)}.",
        )


def _times(call: Call) -> Markup:
    question = _read_question(call)
    answers = (_answer(call, node, question) for node in call.body.find("m:MailboxDataArray") or ())
    return element("m:FreeBusyResponseArray", *answers)


def _suggestions(call: Call) -> Markup:
    """Whole days, on the clock of the request."""
    asked = call.body.find("t:SuggestionsViewOptions")
    assert asked is not None
    options, window, zone = read_options(asked), asked.find("t:DetailedSuggestionsWindow"), _read_zone(call)
    if window is None:
        raise Fault("ErrorInvalidTimeInterval", "The detailed suggestions window is missing.")
    begin, end = (zone.to_wall(_read_end(window, name, zone)) for name in ("t:StartTime", "t:EndTime"))
    if end <= begin or any(moment.time() != time() for moment in (begin, end)):
        raise Fault("ErrorInvalidTimeInterval", "The detailed suggestions window must be whole days.")
    _check_length(call, begin, end, "SuggestionsViewOptions.DetailedSuggestionsWindow")
    calendars = (_spans(call, node, zone, begin, end) for node in call.body.find("m:MailboxDataArray") or ())
    success = element("m:ResponseMessage", element("m:ResponseCode", "NoError"), ResponseClass="Success")
    days = write_suggestions(People(tuple(calendars)), options, begin, end)
    return element("m:SuggestionsResponse", success, days)


def _spans(
    call: Call, node: Node, zone: RequestZone, begin: datetime, end: datetime
) -> tuple[tuple[datetime, datetime, str], ...] | None:
    """When somebody is busy, or None where nobody can say."""
    try:
        folder, _ = _calendar_of(call, (node.at("t:Email", "t:Address") or node).text.strip())
    except Refusal:
        return None
    views = views_in(folder, zone.to_utc(begin), zone.to_utc(end + timedelta(days=1)))
    return tuple(span_of(view, zone.to_wall(view.start), zone.to_wall(view.end)) for view in views)


def _read_question(call: Call) -> Question:
    zone = _read_zone(call)
    options = call.body.find("t:FreeBusyViewOptions")
    assert options is not None
    window = options.find("t:TimeWindow")
    assert window is not None
    begin, end = (_read_end(window, name, zone) for name in ("t:StartTime", "t:EndTime"))
    if end <= begin:
        message = "The time duration specified for FreeBusyViewOptions.TimeWindow is invalid."
        raise Fault("ErrorInvalidTimeInterval", message)
    _check_length(call, begin, end, "FreeBusyViewOptions.TimeWindow")
    interval = int(options.text_of("t:MergedFreeBusyIntervalInMinutes") or _DEFAULT_INTERVAL)
    if not 5 <= interval <= 1440 or timedelta(minutes=interval) > end - begin:
        raise Fault(
            "ErrorInvalidMergedFreeBusyInterval",
            "The specified merged free/busy interval is not valid. Specify an interval that is less than the free/busy "
            "time window and  between 5 and 1440 minutes.",
        )
    view = (options.text_of("t:RequestedView") or "FreeBusy").split()[-1]
    if view == "None":
        raise Fault("ErrorInvalidFreeBusyViewType", "The requested free/busy view type is not valid.")
    return Question(zone, begin, end, view, interval)


def _check_length(call: Call, begin: datetime, end: datetime, window: str) -> None:
    limit = call.world.knobs.free_busy_max_days
    if end - begin > timedelta(days=limit):
        raise Fault(
            "ErrorTimeIntervalTooBig",
            f"The requested time duration specified for {window} is too long. The allowed limit = {limit} days; the "
            f"actual limit = {(end - begin).days} days.",
        )


def _read_end(window: Node, name: str, zone: RequestZone) -> datetime:
    """An end of the window. A bare time is the request's own zone's."""
    text = (window.text_of(name) or "").strip()
    try:
        parsed = parse_date_time(text, None)
    except InvalidTime as error:
        raise Fault("ErrorInvalidTimeInterval", "The time interval is not valid.") from error
    told = text.endswith("Z") or text[-6:-5] in {"+", "-"}
    return parsed if told else zone.to_utc(parsed.replace(tzinfo=None))


def _answer(call: Call, node: Node, question: Question) -> Markup:
    try:
        email = node.find("t:Email")
        assert email is not None
        folder, rights = _calendar_of(call, (email.text_of("t:Address") or "").strip())
        success = element("m:ResponseMessage", element("m:ResponseCode", "NoError"), ResponseClass="Success")
        return element("m:FreeBusyResponse", success, _view(call, folder, rights, question))
    except Refusal as refusal:
        message = element("m:ResponseMessage", *refusal.parts(), ResponseClass="Error")
        nothing = element("m:FreeBusyView", element("t:FreeBusyViewType", "None"))
        return element("m:FreeBusyResponse", message, nothing)


def _calendar_of(call: Call, address: str) -> tuple[Folder, Rights]:
    if call.fault is not None and call.fault.kind == "free_busy_error":
        code = call.fault.body or "ErrorMailboxStoreUnavailable"
        raise Refusal(code, MESSAGES.get(code, code))
    mailbox = call.world.find_mailbox(address)
    if mailbox is None or not mailbox.enabled:
        text = f"Unable to resolve e-mail address <> SMTP:{address} to an Active Directory object."
        raise Refusal("ErrorMailRecipientNotFound", text)
    rights = call.rights(mailbox.calendar)
    if not rights.sees_times:
        raise Refusal("ErrorNoFreeBusyAccess")
    return mailbox.calendar, rights


def _view(call: Call, folder: Folder, rights: Rights, question: Question) -> Markup:
    kind = question.view
    if kind.startswith("Detailed") and not rights.sees_subjects:
        kind = kind.replace("Detailed", "FreeBusy")
    views = sorted(views_in(folder, question.begin, question.end), key=lambda view: (view.start, view.end))
    merged = element("t:MergedFreeBusy", _merge(views, question)) if question.view in _MERGED else None
    if kind == "MergedOnly":
        return element("m:FreeBusyView", element("t:FreeBusyViewType", kind), merged)
    detailed = kind.startswith("Detailed")
    events = (_event(call, folder, view, question, detailed=detailed) for view in views)
    array = element("t:CalendarEventArray", *events) if views else None
    return element("m:FreeBusyView", element("t:FreeBusyViewType", kind), merged, array, _working_hours(folder.mailbox))


def _merge(views: list[View], question: Question) -> str:
    """A digit for each interval: the busiest that touches it."""
    step = timedelta(minutes=question.interval)
    digits = []
    begin = question.begin
    while begin < question.end:
        touching = (view.get("LegacyFreeBusyStatus", "Busy") for view in views if view.overlaps(begin, begin + step))
        digits.append(_DIGITS[max(touching, key=_WEIGHTS.index, default="Free")])
        begin += step
    return "".join(digits)


def _event(call: Call, folder: Folder, view: View, question: Question, *, detailed: bool) -> Markup:
    busy = view.get("LegacyFreeBusyStatus", "Busy")
    if busy == "WorkingElsewhere" and call.rank < EXCHANGE_2013:
        busy = "NoData"
    return element(
        "t:CalendarEvent",
        element("t:StartTime", wall(question.zone.to_wall(view.start))),
        element("t:EndTime", wall(question.zone.to_wall(view.end))),
        element("t:BusyType", busy),
        _details(folder, view) if detailed else None,
    )


def _details(folder: Folder, view: View) -> Markup:
    private = view.get("Sensitivity", "Normal") == "Private"
    store_id = StoreId(folder.mailbox.guid, folder.number, view.item.number)
    location = view.get("Location")
    return element(
        "t:CalendarEventDetails",
        None if private else element("t:ID", write_format(store_id, "HexEntryId")),
        None if private else element("t:Subject", view.get("Subject", "")),
        None if private or location is None else element("t:Location", location),
        element("t:IsMeeting", boolean(bool(view.guests()))),
        element("t:IsRecurring", boolean(view.original is not None)),
        element("t:IsException", boolean(view.kind == "Exception")),
        element("t:IsReminderSet", boolean(view.get("ReminderIsSet", False))),
        element("t:IsPrivate", boolean(private)),
    )


def _working_hours(mailbox: Mailbox) -> Markup:
    """Outlook's default: Monday to Friday, eight to five, on the person's own clock."""
    rules = rules_of(mailbox.zone.rules)
    period = element(
        "t:WorkingPeriod",
        element("t:DayOfWeek", "Monday Tuesday Wednesday Thursday Friday"),
        element("t:StartTimeInMinutes", "480"),
        element("t:EndTimeInMinutes", "1020"),
    )
    zone = element(
        "t:TimeZone",
        element("t:Bias", str(rules.standard_bias)),
        _change("t:StandardTime", rules.to_standard, 0),
        _change("t:DaylightTime", rules.to_daylight, rules.daylight_bias - rules.standard_bias),
    )
    return element("t:WorkingHours", zone, element("t:WorkingPeriodArray", period))


def _change(name: str, change: Change | None, bias: int) -> Markup:
    at = int(change.at.total_seconds()) // 60 if change is not None else 0
    return element(
        name,
        element("t:Bias", str(bias)),
        element("t:Time", f"{at // 60:02d}:{at % 60:02d}:00"),
        element("t:DayOrder", str(change.occurrence if change is not None else 0)),
        element("t:Month", str(change.month if change is not None else 0)),
        element("t:DayOfWeek", _WEEKDAYS[change.weekday] if change is not None else "Sunday"),
    )
