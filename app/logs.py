"""Structured logs: readable in a terminal, JSON elsewhere, and no secrets in either.

The one rule: whatever logs, logs through here; a value under a telling name is never written.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor

_TELLING = re.compile(
    r"authorization|token|secret|password|cookie|api_key|code_verifier|refresh|credential|e?mail(_address)?$|^code$",
    re.IGNORECASE,
)
_IN_TEXT = re.compile(
    r"(Bearer\s+|(?:access_token|refresh_token|code|state|client_secret|password|id_token)=)[^\s&\"']+", re.IGNORECASE
)
_HIDDEN = "***"
_NOISY = ("httpx", "httpcore", "exchangelib", "aiosmtplib", "uvicorn.access", "pgqueuer", "asyncio")


def configure_logs(level: str, style: Literal["auto", "json", "console"]) -> None:
    """Set up the whole process's logging."""
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: Processor = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def redact(_: Any, __: str, event: EventDict) -> EventDict:
    """Hide what must not be written, by its name and by how it looks in a text."""
    return _clean_members(event)


def _clean_members(members: Mapping[Any, Any]) -> dict[Any, Any]:
    return {
        name: _HIDDEN if _TELLING.search(str(name)) and name != "error" else _clean(value)
        for name, value in members.items()
    }


def _clean(value: Any) -> Any:
    """The same value without secrets, however deep they sit."""
    if isinstance(value, str):
        return _IN_TEXT.sub(rf"\g<1>{_HIDDEN}", value)
    if isinstance(value, Mapping):
        return _clean_members(value)
    return [_clean(item) for item in value] if isinstance(value, list | tuple) else value
