"""What became of an event we wrote, shown on whatever it is the event of: a meeting or a task.

The one rule: a write belongs to one of them; each is asked, and the other has nothing to do.
"""

from uuid import UUID

from app.crm.recording import MeetingRecorder
from app.crm.task_following import TaskRecorder


class WriteRecorder:
    """Runs `record_write`."""

    def __init__(self, meetings: MeetingRecorder, tasks: TaskRecorder) -> None:
        self._meetings = meetings
        self._tasks = tasks

    async def run(self, account_id: UUID, write_id: UUID) -> None:
        """Meetings and tasks show how the write stands now; a repeat changes nothing."""
        await self._meetings.run(account_id, write_id)
        await self._tasks.run(account_id, write_id)
