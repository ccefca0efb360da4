"""The stage with a proxy on every way out of the service and in: to the providers, to the mail server, for pushes.

The one rule: the service is told the proxy's addresses and nothing else; what it is it does by itself.
"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg

from prove.evidence import Disturbance, Evidence, gather
from prove.faults_pushes import PushDoor
from prove.journal import Journal, read_journal
from prove.plan import Plan
from prove.proxy import ByteDoor, Call, HttpDoor, Trap
from prove.stage import Stage, open_stage
from sandbox.stack import API, WORKER

CALLS: Final = (
    Call("token", "POST", r"/token$", write=True),
    Call("identify", "GET", r"/userinfo$|/v1\.0/me$"),
    Call("list", "GET", r"/calendarList$|/me/calendars$"),
    Call("free_busy", "POST", r"/freeBusy$|/getSchedule$"),
    Call("free_busy", "GET", r"/calendarView$"),
    Call("watch", "POST", r"/events/watch$|/subscriptions$", write=True),
    Call("sync", "GET", r"/calendars/[^/]+/events$|/calendarView/delta$"),
    Call("create", "POST", r"/calendars/[^/]+/events$", write=True),
    Call("update", "PATCH", r"/events/[^/]+$", write=True),
    Call("cancel", "DELETE", r"/events/[^/]+$", write=True),
)
"""What the service asks of a provider that speaks JSON; the first that fits gives the name."""
_PUSHED_SHARE: Final = 0.6
_PULL_WRITES: Final = """
UPDATE queue.pgqueuer SET execute_after = now()
 WHERE entrypoint = 'write_event' AND status = 'queued' AND execute_after > now() + interval '20 seconds'
   AND (convert_from(payload, 'UTF8')::jsonb ->> 'id')::uuid IN (
       SELECT id FROM calendar_writes WHERE written_seq <> desired_seq AND failing_since IS NOT NULL)
"""
_PULL_WATCHES: Final = """
UPDATE due_watches SET due_at = now()
 WHERE due_at > now() + interval '20 seconds'
   AND calendar_id NOT IN (SELECT calendar_id FROM push_channels WHERE expires_at > now())
"""


@dataclass(slots=True)
class Street:
    """A running service whose every way goes through a door of ours."""

    stage: Stage
    plan: Plan
    providers: HttpDoor
    pushes: PushDoor
    smtp: ByteDoor
    trap: Trap
    journal: Journal
    people: list[tuple[str, str]] = field(default_factory=list)
    """Whoever has a calendar here, by provider and address."""
    pulled: Counter[str] = field(default_factory=Counter)
    """What was pulled forward, and how often."""
    patience: float = 240.0
    """Seconds that a person tries something for."""

    async def pull_forward(self, *, writes: bool) -> None:
        """Watches that were put off for hours, and writes for minutes, are due now. Raises: asyncpg.PostgresError.

        It shortens waits that are meant to be long: a refused write is tried again after ten minutes, a refused watch
        after six hours. Nothing else is ever written to the database.
        """
        statements = {"watches": _PULL_WATCHES} | ({"writes": _PULL_WRITES} if writes else {})
        connection = await asyncpg.connect(self.stage.stack.database_url)
        try:
            for what, statement in statements.items():
                self.pulled[what] += int((await connection.execute(statement)).split()[-1])
        finally:
            await connection.close()

    async def evidence(self) -> Evidence:
        """Everything that stands written now. What the mail server said and nobody heard is a disturbance."""
        lost = [moment for rule in self.smtp.rules if rule.seeing for moment in rule.fired]
        return await gather(
            self.stage.stack.database_url,
            self.stage.sandbox,
            people=self.people,
            attempts=read_journal(self.journal.path),
            disturbances=[Disturbance("the mail server's word was lost", moment, moment) for moment in lost],
        )

    def most_memory(self) -> dict[str, int]:
        """The most mebibytes that each of the service's processes ever held."""
        return {name: _high_water(self.stage.stack.children[name].pid) for name in (API, WORKER)}


def _high_water(pid: int | None) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) // 1024


@asynccontextmanager
async def open_street(plan: Plan, **settings: str) -> AsyncIterator[Street]:
    """Start everything behind doors; `settings` are the service's, by their names without the prefix."""
    async with AsyncExitStack() as stack:
        trap = await stack.enter_async_context(Trap(plan.chance("trap")))
        providers = HttpDoor(plan.chance("providers"), CALLS, trap=trap.url)
        pushes = PushDoor(plan.chance("pushes"), share=_PUSHED_SHARE)
        smtp = ByteDoor(plan.chance("smtp"))
        for door in (providers, pushes, smtp):
            await stack.enter_async_context(door)
        addresses = _addresses(providers.url, pushes.url, smtp.port) | settings
        overrides = {f"CALENDAR_CONNECT_{name}": value for name, value in addresses.items()}
        stage = await stack.enter_async_context(open_stage(overrides=overrides))
        ports = stage.stack.ports
        providers.to, pushes.to, smtp.to = ports.sandbox, ports.api, ports.smtp
        journal = stack.enter_context(Journal(stage.directory / "faults.jsonl"))
        yield Street(stage, plan, providers, pushes, smtp, trap, journal)


def _addresses(providers: str, pushes: str, smtp_port: int) -> dict[str, str]:
    """Where the service finds everybody; a browser goes to Google's own consent page."""
    google, microsoft = f"{providers}/google", f"{providers}/microsoft"
    return {
        "GOOGLE_TOKEN_URL": f"{google}/token",
        "GOOGLE_REVOKE_URL": f"{google}/revoke",
        "GOOGLE_USERINFO_URL": f"{google}/v1/userinfo",
        "GOOGLE_API_URL": f"{google}/calendar/v3",
        "OFFICE365_AUTHORITY_URL": f"{microsoft}/common",
        "OFFICE365_API_URL": f"{microsoft}/v1.0",
        "PUSH_URL": pushes,
        "SMTP_PORT": str(smtp_port),
        "SYNC_POLL_SECONDS": "10",
        "PUSH_POLL_SECONDS": "20",
        "EXCHANGE_TIMEOUT_SECONDS": "6",
        "LOG_LEVEL": "WARNING",
    }
