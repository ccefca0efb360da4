"""Neighbours on the calendar: what overlaps an item, and what touches it.

The one rule: free time conflicts with nothing.
"""

from datetime import timedelta

from sandbox.exchange.items import View
from sandbox.exchange.world import Folder

_TOUCH = timedelta(minutes=1)


def _others(view: View, folder: Folder, margin: timedelta) -> list[View]:
    begin, end = view.start - margin, view.end + margin
    around = (one for item in list(folder.items.values()) for one in item.views_between(begin, end))
    return [one for one in around if one.item is not view.item and one.get("LegacyFreeBusyStatus", "Busy") != "Free"]


def conflicting(view: View, folder: Folder) -> list[View]:
    """Busy items that overlap this one."""
    return [one for one in _others(view, folder, timedelta()) if one.start < view.end and one.end > view.start]


def adjacent(view: View, folder: Folder) -> list[View]:
    """Busy items that end where this one starts, or start where it ends."""
    return [one for one in _others(view, folder, _TOUCH) if view.start == one.end or one.start == view.end]
