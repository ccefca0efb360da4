"""What is told of verdicts, made by hand."""

from datetime import date
from uuid import uuid4

from app.scheduling.report.explanation import Verdict
from app.scheduling.report.obstacles import Obstacle, Rule
from app.scheduling.report.openings import Hours
from app.scheduling.report.rendering import ReportRendering
from app.scheduling.slots.hours import LocalInterval


def test_r32_each_time_is_told_its_own_hours() -> None:
    """Also those that are made for one time and forgotten again."""
    rendering = ReportRendering("Europe/Stockholm", 30, reader=uuid4())
    closed = (Obstacle(Rule.OUTSIDE_WORKING_HOURS),)
    for hour in range(20):
        wanted = [Hours(date(2026, 3, 29), (LocalInterval(hour * 60, hour * 60 + 30),))]
        told = rendering.item(Verdict(1774742400 + hour * 3600, closed, firm=False, opened_by=wanted))
        [change] = told["opened_by"]
        assert change["date_override"]["hours"] == [{"start": f"{hour:02}:00", "end": f"{hour:02}:30"}]
