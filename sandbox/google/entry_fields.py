"""What a person sets for a calendar on their list: its colours, reminders and mails.

The one rule: an index and its colours always belong together, whichever of them was set.
https://developers.google.com/workspace/calendar/api/v3/reference/calendarList
"""

import re

from sandbox.google import errors
from sandbox.google.colors import CALENDAR_COLORS
from sandbox.google.times import Json
from sandbox.google.world import Account, Calendar

_PLAIN = frozenset({"colorId", "defaultReminders", "hidden", "notificationSettings", "selected", "summaryOverride"})
_RGB = ("backgroundColor", "foregroundColor")
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_FIRST_COLOR = "14"
_MINUTES_MAX = 40320
_NOTIFICATIONS = frozenset({"eventCreation", "eventChange", "eventCancellation", "eventResponse", "agenda"})


def settable(body: Json, held: Json, *, rgb: bool) -> Json:
    """What of a body a person may set, checked. `rgb`: the colours count, and the index follows them."""
    given = {name: value for name, value in body.items() if name in _PLAIN}
    _check_reminders(given.get("defaultReminders") or [])
    _check_notifications((given.get("notificationSettings") or {}).get("notifications") or [])
    if rgb:
        colors = {name: body[name] for name in _RGB if body.get(name) is not None}
        if not all(_HEX.fullmatch(color) for color in colors.values()):
            raise errors.invalid("Invalid color definition.")
        if "backgroundColor" in colors:
            colors["colorId"] = _nearest(colors["backgroundColor"])
        return {**given, **colors}
    color_id = given.get("colorId")
    if color_id is not None:
        if color_id not in CALENDAR_COLORS:
            raise errors.invalid("Invalid color id value.")
        if color_id != held.get("colorId"):
            return {**given, **dict.fromkeys(_RGB)}
    # What was chosen by its colours keeps them while its index is only sent back.
    return {**given, **{name: held[name] for name in _RGB if name in held}}


def shown(account: Account, calendar: Calendar, settings: Json) -> Json:
    """The settings as they are read."""
    color_id = settings.get("colorId") or _FIRST_COLOR
    color = CALENDAR_COLORS[color_id]
    return {
        "colorId": color_id,
        "backgroundColor": color["background"],
        "foregroundColor": color["foreground"],
        "defaultReminders": default_reminders(account, calendar),
        **{name: value for name, value in settings.items() if name != "defaultReminders"},
    }


def default_reminders(account: Account, calendar: Calendar) -> list[Json]:
    """What reminds the person of an event that says nothing else: of their own calendar's, ten minutes before."""
    entry = account.entries.get(calendar.id)
    first: list[Json] = [{"method": "popup", "minutes": 10}] if calendar.id == account.email else []
    if entry is None or entry.deleted:
        return first
    held: list[Json] = entry.settings.get("defaultReminders", first)
    return held


def _check_reminders(reminders: list[Json]) -> None:
    for reminder in reminders:
        if reminder.get("method") not in {"email", "popup"} or not 0 <= reminder.get("minutes", -1) <= _MINUTES_MAX:
            raise errors.invalid("Invalid reminder.")


def _check_notifications(notifications: list[Json]) -> None:
    for notification in notifications:
        if notification.get("method") != "email" or notification.get("type") not in _NOTIFICATIONS:
            raise errors.invalid("Invalid notification.")


def _nearest(color: str) -> str:
    """The index of the palette's colour that differs least."""

    def distance(other: str) -> int:
        pairs = zip(bytes.fromhex(color[1:]), bytes.fromhex(other[1:]), strict=True)
        return sum((mine - theirs) ** 2 for mine, theirs in pairs)

    return min(CALENDAR_COLORS, key=lambda name: distance(CALENDAR_COLORS[name]["background"]))
