"""Structured logs: readable in a terminal, JSON elsewhere, and no secrets in either.

The one rule: whatever logs, logs through here; a value under a telling name is never written, nor is an address.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

import msgspec
import structlog
from structlog.typing import EventDict, Processor

from app.telemetry.traces import add_trace

_TELLING = re.compile(
    r"authorization|token|secret|password|cookie|api_key|code_verifier|refresh|credential|e?mail(_address)?$|^code$",
    re.IGNORECASE,
)
_IN_TEXT = re.compile(
    r"""
    (Bearer\s+ | (?:token|code|state|secret|password|verifier)=) [^\s&"']+
    | (["'][\w-]*(?:token|code|state|secret|password|verifier|authorization)\\*["']\s*:\s*(\\*["']))
      (?:(?!\3)(?:\\.|[^\\]))*
    | (?<![\w.!#$%&*+?^~-]) (?:[\w.!#$&*+?^~-]|%(?!40))+ (?:@|%40) [\w.-]+
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
"""In turn: a header or a query; a member of JSON or of a dictionary, up to its own quote; an address.

An address is looked for once, from where it may begin: a long text takes no longer.
"""
_HARMLESS = re.compile(r"[\w./:{}+-]*")
"""What `_IN_TEXT` cannot match, for it has no space, `=`, quote, `@` or `%`: most values, told apart quickly."""
_HIDDEN = "***"
_NOISY = ("httpx", "httpcore", "exchangelib", "aiosmtplib", "uvicorn.access", "pgqueuer", "asyncio")


def _coloured() -> bool:
    """As https://no-color.org and https://force-color.org ask; else where somebody looks."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stderr.isatty()


def configure_logs(level: str, style: Literal["auto", "json", "console"]) -> None:
    """Set up the whole process's logging."""
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        add_trace,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=_coloured()) if console else structlog.processors.JSONRenderer(_as_json)
    )
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
    return {name: _HIDDEN if _is_telling(str(name)) else _clean(value) for name, value in members.items()}


@lru_cache(maxsize=1024)
def _is_telling(name: str) -> bool:
    return name != "error" and _TELLING.search(name) is not None


def _clean(value: Any) -> Any:
    """The same value without secrets, however deep they sit."""
    if isinstance(value, str):
        return value if _HARMLESS.fullmatch(value) else _IN_TEXT.sub(rf"\g<1>\g<2>{_HIDDEN}", value)
    if isinstance(value, Mapping):
        return _clean_members(value)
    return [_clean(item) for item in value] if isinstance(value, list | tuple) else value


def _as_json(event: EventDict, **fallback: Any) -> str:
    """One line; what JSON does not know is told as its text."""
    try:
        return msgspec.json.encode(event, enc_hook=repr).decode()
    except (TypeError, ValueError, OverflowError):  # keys of odd types, lone surrogates, huge numbers
        return json.dumps(event, **fallback)
