"""`python -m sandbox`: the database, the simulators, or everything. The rule: this file only reads arguments."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from sandbox.demo import demo
from sandbox.front_end import Places as FrontEndPlaces
from sandbox.front_end import serve_front_end
from sandbox.front_end_build import FrontEndNotBuiltError, build_front_end
from sandbox.own_settings import OwnSettingsError, read_own_settings
from sandbox.ports import PortTakenError
from sandbox.postgres import EmbeddedPostgres, PostgresStartError
from sandbox.processes import stop_signalled
from sandbox.run import DATA, FIXED_PORTS, OWN_DATA, Wishes, run
from sandbox.server import Places, serve_until_signalled
from sandbox.stack import Ports

cli = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)


@cli.command("postgres")
def run_postgres(
    data: Annotated[Path | None, typer.Option(help="Where the data lives; a temporary place by default.")] = None,
    port: Annotated[int, typer.Option(help="0 is a free one.")] = 0,
) -> None:
    """Run the embedded PostgreSQL until Ctrl-C."""
    try:
        asyncio.run(_serve_postgres(data, port))
    except PostgresStartError as error:
        raise SystemExit(str(error)) from error


async def _serve_postgres(data: Path | None, port: int) -> None:
    stopped = stop_signalled()
    with EmbeddedPostgres(data, port=port or None) as server:
        print(server.url(), flush=True)
        await stopped.wait()


@cli.command("serve")
def run_simulators(  # noqa: PLR0917 - the options of a command
    http_port: Annotated[int, typer.Option(help="0 is a free one.")] = 0,
    smtp_port: Annotated[int, typer.Option(help="0 is a free one.")] = 0,
    exchange_port: Annotated[int, typer.Option(help="0 is a free one.")] = 0,
    dns_port: Annotated[int, typer.Option(help="UDP; 0 is a free one.")] = 0,
    ready_file: Annotated[Path | None, typer.Option(help="Written as JSON when everything answers.")] = None,
    keys_file: Annotated[Path | None, typer.Option(help="Keeps the issuer's keys over restarts.")] = None,
    certificates: Annotated[Path | None, typer.Option(help="Keeps Exchange's certificates over restarts.")] = None,
    https_port: Annotated[int, typer.Option(help="For those who speak TLS only; 0 is a free one.")] = 0,
) -> None:
    """Run the simulated providers, the identity provider, the mail sink and the DNS server until Ctrl-C."""
    places = Places(http_port, smtp_port, exchange_port, dns_port, keys_file, certificates, https_port)
    try:
        asyncio.run(serve_until_signalled(places, ready_file=ready_file))
    except PortTakenError as error:
        raise SystemExit(str(error)) from error


@cli.command("run")
def run_everything(  # noqa: PLR0917 - the options of a command
    data: Annotated[Path | None, typer.Option(help="Where the data lives; .run, or .run-own with --settings.")] = None,
    settings: Annotated[
        Path | None, typer.Option(help="Settings of your own, by which real providers come in.")
    ] = None,
    api_port: Annotated[int, typer.Option(help="0 is a free one.")] = FIXED_PORTS.api,
    sandbox_port: Annotated[int, typer.Option(help="0 is a free one.")] = FIXED_PORTS.sandbox,
    smtp_port: Annotated[int, typer.Option(help="0 is a free one.")] = FIXED_PORTS.smtp,
    exchange_port: Annotated[int, typer.Option(help="0 is a free one.")] = FIXED_PORTS.exchange,
    dns_port: Annotated[int, typer.Option(help="UDP; 0 is a free one.")] = FIXED_PORTS.dns,
    postgres_port: Annotated[int, typer.Option(help="0 is a free one.")] = FIXED_PORTS.postgres,
    front_end_port: Annotated[int, typer.Option(help="0 is a free one.")] = FIXED_PORTS.front_end,
) -> None:
    """Run the database, the simulators, the API, the worker and the example front end until Ctrl-C."""
    try:
        own = read_own_settings(settings) if settings else {}
    except OwnSettingsError as error:
        raise SystemExit(str(error)) from error
    try:
        front_end = build_front_end(lambda text: print(text, flush=True))
    except FrontEndNotBuiltError as error:
        front_end, front_end_port = None, 0  # nothing listens there, so it may be anybody's
        print(error, flush=True)
    ports = Ports(api_port, sandbox_port, smtp_port, exchange_port, dns_port, postgres_port, front_end_port)
    directory = OWN_DATA if settings else DATA
    raise SystemExit(asyncio.run(run(Wishes(data or directory, ports, front_end=front_end, own_settings=own))))


@cli.command("front-end")
def run_front_end(
    api_url: Annotated[str, typer.Option(help="Where the API is.")],
    sandbox_url: Annotated[str, typer.Option(help="Where the simulators are.")],
    built: Annotated[Path, typer.Option(help="What `npm run build` made.")],
    company: Annotated[Path, typer.Option(help="Keeps who works there over restarts.")],
    port: Annotated[int, typer.Option(help="Where to serve it.")] = FIXED_PORTS.front_end,
) -> None:
    """Serve the built example front end until Ctrl-C."""
    asyncio.run(serve_front_end(FrontEndPlaces(built, api_url, sandbox_url, company), port))


@cli.command("demo")
def run_demo() -> None:
    """Go through the main job once, on free ports, and say how it went."""
    raise SystemExit(asyncio.run(demo()))


if __name__ == "__main__":
    cli()
