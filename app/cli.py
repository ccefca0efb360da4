"""The command line: serve · worker · migrate · openapi · rotate-keys · check-audit-log · doctor.

The one rule: settings come from the environment; a missing one is named, with no trace and no value.
"""

import asyncio
import json
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import asyncpg
import structlog
import typer
import uvicorn
import uvloop
from alembic import command
from alembic.config import Config
from pydantic_settings import BaseSettings

from app import failpoints
from app.audit_check import check_audit_log
from app.doctor.configuration import read_settings
from app.doctor.deployment import Wishes
from app.doctor.examination import examine
from app.doctor.findings import Code
from app.doctor.report import as_json, as_lines, exit_code
from app.ids import decode_id
from app.key_rotation import rotate_all
from app.logs import configure_logs
from app.main import create_app
from app.routers.openapi import client_document, document_settings
from app.settings import DatabaseSettings, Settings
from app.telemetry.traces import configure_traces
from app.worker import run_worker

Kind = TypeVar("Kind", bound=BaseSettings)

SERVING: Final[dict[str, Any]] = {
    "loop": "uvloop",
    "http": "httptools",
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,  # else a neighbour on the loopback interface says who calls; we count the hops ourselves
    "log_config": None,
    "timeout_graceful_shutdown": 20,
    "timeout_keep_alive": 75,
}
"""How uvicorn serves. An idle connection is kept longer than proxies keep theirs (nginx and most balancers: 60 s): who
closes first must not be us, or a request that is on its way is lost, and no proxy sends a POST again."""
DOORS: Final = 128
"""libuv takes one connection from a listening handle in a round of the event loop, and a round of a busy process lasts
a tenth of a second. So there are many handles on the one socket: who waits in the kernel's queue is neither answered
nor turned away, and a crowd would wait there for a quarter of a minute."""
_NOT_STARTED: Final = 3
_TOO_POWERFUL: Final = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user"
_LOOK_SECONDS: Final = 5

log = structlog.get_logger(__name__)

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="Connects calendars to a CRM.")


def main() -> None:
    """The entry point."""
    cli()


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
) -> None:
    """Run the API."""
    settings = _read(Settings)
    configure_logs(settings.log_level, settings.log_format)
    failpoints.arm(settings.failpoints)
    configure_traces("api")
    asyncio.run(check_login(settings))
    config = uvicorn.Config(create_app(settings), host=host, port=port, **SERVING)
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run(sockets=open_doors(config.bind_socket()))
    if not server.started:
        raise typer.Exit(_NOT_STARTED)


@cli.command()
def worker() -> None:
    """Run jobs until stopped."""
    settings = _read(Settings)
    configure_logs(settings.log_level, settings.log_format)
    failpoints.arm(settings.failpoints)
    configure_traces("worker")
    uvloop.run(_work(settings))


@cli.command()
def migrate() -> None:
    """Bring the database up to date."""
    url = _read(DatabaseSettings).database_url.get_secret_value()
    root = Path(__file__).parents[1]
    config = Config(root / "alembic.ini")
    config.set_main_option("script_location", str(root / "migrations"))
    config.attributes["database_url"] = url
    command.upgrade(config, "head")


@cli.command()
def openapi(
    client: Annotated[bool, typer.Option("--client", help="For generating clients: without `webhooks`.")] = False,
) -> None:
    """Print the API's document."""
    document = create_app(document_settings()).openapi()
    document = client_document(document) if client else document
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


@cli.command()
def rotate_keys() -> None:
    """Wrap every account's data key with the newest master key, or make one where it was deleted; can be stopped and
    run again.

    Exit code 1 where a data key does not open.
    """
    settings = _read(Settings)
    configure_logs(settings.log_level, settings.log_format)
    done = asyncio.run(rotate_all(settings))
    print(f"{done.wrapped} data keys wrapped again")
    if done.made:
        print(f"{done.made} made anew, where they had been deleted")
    if done.unopened:
        print(f"{done.unopened} do not open with the master keys at hand", file=sys.stderr)
        raise typer.Exit(1)


@cli.command("check-audit-log")
def check_audit(account: Annotated[str, typer.Argument(help="The account's id: acct_…")]) -> None:
    """Follow the seals of an account's audit log; exit code 1 where one does not hold."""
    try:
        account_id = decode_id("acct", account)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    broken = asyncio.run(check_audit_log(_read(DatabaseSettings), account_id))
    print("".join(f"entry {sequence} is not what was sealed\n" for sequence in broken) or "every seal holds\n", end="")
    raise typer.Exit(1 if broken else 0)


@cli.command()
def doctor(
    *,
    machine: Annotated[bool, typer.Option("--json", help="Tell it as JSON.")] = False,
    accept: Annotated[
        list[Code] | None, typer.Option(metavar="CODE", help="A finding that is to be so; can be repeated.")
    ] = None,
    api_processes: Annotated[int, typer.Option(min=1, help="How many API processes there are to be.")] = 1,
    worker_processes: Annotated[int, typer.Option(min=1, help="How many workers there are to be.")] = 1,
    send_test_mail: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Send a mail there.")] = None,
) -> None:
    """Examine this deployment, and say what to do: exit code 0, 1 with findings, 2 when nothing can be looked at."""
    configure_logs("CRITICAL", "auto")
    accepted = frozenset(accept or ())
    seen = asyncio.run(examine(Wishes(api_processes, worker_processes, send_test_mail)))
    print((as_json if machine else as_lines)(seen, accepted=accepted))
    raise typer.Exit(exit_code(seen, accepted=accepted))


def open_doors(listening: socket.socket) -> list[socket.socket]:
    """The socket and its twins; whoever serves on them closes them."""
    return [listening, *(listening.dup() for _ in range(DOORS - 1))]


async def _work(settings: Settings) -> None:
    await check_login(settings)
    await run_worker(settings)


async def check_login(settings: DatabaseSettings) -> None:
    """Warn when the login could leave the service's role and pass by row-level security."""
    try:
        connection = await asyncpg.connect(settings.database_url.get_secret_value(), timeout=_LOOK_SECONDS)
    except (asyncpg.InterfaceError, ValueError) as error:  # the address itself; the text may hold the password
        print(f"setting DATABASE_URL cannot be used: {type(error).__name__}; see docs/running.md", file=sys.stderr)
        raise typer.Exit(2) from None
    except (OSError, asyncpg.PostgresError):
        return  # the service waits for its database, and says so
    try:
        if await connection.fetchval(_TOO_POWERFUL):
            log.warning("database.login_too_powerful")
    finally:
        await connection.close()


def _read(kind: type[Kind]) -> Kind:
    settings, unread = read_settings(kind)
    if settings is None:
        for finding in unread:
            print(f"setting {finding.detail}", file=sys.stderr)
        raise typer.Exit(2)
    return settings


if __name__ == "__main__":
    main()
