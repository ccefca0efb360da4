"""The colors resource. The one rule: the palettes are Google's own, the same for everybody.

https://developers.google.com/workspace/calendar/api/v3/reference/colors
"""

from sandbox.google.call import Answer, Call
from sandbox.google.times import Json

_CALENDAR = (
    "ac725e d06b64 f83a22 fa573c ff7537 ffad46 42d692 16a765 7bd148 b3dc6c fbe983 fad165 "
    "92e1c0 9fe1e7 9fc6e7 4986e7 9a9cff b99aff c2c2c2 cabdbf cca6ac f691b2 cd74e6 a47ae2"
)
_EVENT = "a4bdfc 7ae7bf dbadff ff887c fbd75b ffb878 46d6db e1e1e1 5484ed 51b749 dc2127"
_FOREGROUND = "#1d1d1d"


def _palette(colors: str) -> Json:
    return {
        str(number): {"background": f"#{color}", "foreground": _FOREGROUND}
        for number, color in enumerate(colors.split(), start=1)
    }


CALENDAR_COLORS = _palette(_CALENDAR)
EVENT_COLORS = _palette(_EVENT)


def get_colors(call: Call) -> Answer:
    del call
    return Answer(
        {
            "kind": "calendar#colors",
            "updated": "2012-02-14T00:00:00.000Z",
            "calendar": CALENDAR_COLORS,
            "event": EVENT_COLORS,
        }
    )
