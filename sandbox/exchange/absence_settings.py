"""What a mailbox answers while its owner is away, as a value. The one rule: the window is kept in UTC."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class OofSettings:
    """`state` is Disabled, Enabled or Scheduled, `audience` None, Known or All."""

    state: str = "Disabled"
    audience: str = "All"
    window: tuple[datetime, datetime] | None = None
    inside: str = ""
    outside: str = ""
