"""The supervisor: everything starts, dies and comes back as it says. Small programs stand in for the service here."""

import asyncio
import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from sandbox.children import Child, RestartPolicy
from sandbox.client import Sandbox
from sandbox.environment import Secrets, environment
from sandbox.ports import BELOW_EPHEMERAL, free_port
from sandbox.processes import is_running
from sandbox.run import keep_alive
from sandbox.stack import Commands, Ports, Stack, StackError, no_echo

ROOT = Path(__file__).parents[2]
API = """
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"pid": os.getpid(), "issuer": os.environ["CALENDAR_CONNECT_ISSUER"]}).encode())
    def log_message(self, *args):
        print("request", self.path)
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
WORKER = "import time; print('working'); time.sleep(600)"
COMMANDS = Commands(
    migrate=[sys.executable, "-c", "print('migrated')"],
    api=[sys.executable, "-c", API],
    worker=[sys.executable, "-c", WORKER],
)
RUN = f"""
import asyncio, sys
from pathlib import Path
from sandbox.run import Wishes, run
from sandbox.stack import Commands, Ports
commands = Commands(
    migrate=[sys.executable, "-c", "print('migrated')"],
    api=[sys.executable, "-c", {API!r}],
    worker=[sys.executable, "-c", {WORKER!r}],
)
raise SystemExit(asyncio.run(run(Wishes(Path(sys.argv[1]), Ports(), commands))))
"""


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[Stack]:
    async with Stack(commands=COMMANDS) as running:
        yield running


def home_of(pid: int) -> Path:
    return Path(f"/proc/{pid}/cwd").readlink()


async def api_pid(stack: Stack) -> int:
    async with httpx.AsyncClient() as client:
        return (await client.get(stack.api_url)).json()["pid"]


async def eventually(condition, seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True


async def test_everything_runs_and_the_service_knows_where(stack):
    async with httpx.AsyncClient() as client:
        told = (await client.get(f"{stack.api_url}/health/ready")).json()
        assert told["issuer"] == f"{stack.sandbox_url}/identity"
        assert (await client.get(told["issuer"] + "/.well-known/openid-configuration")).json()["issuer"] == told[
            "issuer"
        ]
        assert (await client.get(f"{stack.sandbox_url}/control/mail/messages")).json() == {"items": []}
    connection = await asyncpg.connect(stack.database_url)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()
    assert stack.environment["DATABASE_URL"] == stack.database_url


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="sees by /proc where a process lives")
async def test_no_process_lives_where_a_deployments_settings_lie(stack):
    """The service reads `.env` where it is started, and the repository's is of a deployment."""
    homes = {home_of(child.pid) for child in stack.children.values()}
    assert len(homes) == 1
    assert ROOT not in homes


async def test_a_killed_process_comes_back_at_the_same_address(stack):
    before = await api_pid(stack)
    await stack.kill("api")
    assert stack.children["api"].exit_code == -signal.SIGKILL
    with pytest.raises(httpx.ConnectError):
        await api_pid(stack)
    await stack.start("api")
    assert await api_pid(stack) not in {before, None}
    async with httpx.AsyncClient() as client:
        keys = (await client.get(f"{stack.sandbox_url}/identity/.well-known/jwks.json")).json()
    for name in ("worker", "sandbox"):
        pid = stack.children[name].pid
        await stack.kill(name)
        assert not is_running(pid)
        await stack.start(name)
        assert stack.children[name].pid not in {None, pid}
    async with httpx.AsyncClient() as client:  # tokens in hand stay good
        assert (await client.get(f"{stack.sandbox_url}/identity/.well-known/jwks.json")).json() == keys


async def test_a_killed_database_keeps_what_was_committed(stack):
    connection = await asyncpg.connect(stack.database_url)
    await connection.execute("CREATE TABLE survivor AS SELECT 1 AS n")
    await stack.kill("postgres")
    connection.terminate()
    with pytest.raises(OSError, match=r"refused|failed"):
        await asyncpg.connect(stack.database_url)
    await stack.start("postgres")
    connection = await asyncpg.connect(stack.database_url)
    assert await connection.fetchval("SELECT n FROM survivor") == 1
    await connection.close()


async def test_leaving_the_block_ends_everything_and_removes_the_data():
    async with Stack(commands=COMMANDS) as stack:
        pids = [stack.postgres.pid, *(child.pid for child in stack.children.values())]
        directory = stack._temporary
        assert all(is_running(pid) for pid in pids)
        assert directory.is_dir()
    assert not any(is_running(pid) for pid in pids)
    assert not directory.exists()


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        (
            Commands(migrate=[sys.executable, "-c", "raise SystemExit('no such table')"]),
            "migrations failed:\nno such table",
        ),
        (
            Commands(migrate=COMMANDS.migrate, api=[sys.executable, "-c", "raise SystemExit('bad setting')"]),
            "api ended with 1:\nbad setting",
        ),
    ],
)
async def test_what_does_not_start_says_why_and_takes_the_rest_along(commands, message):
    stack = Stack(commands=commands)
    with pytest.raises(StackError, match=message):
        await stack.__aenter__()
    assert stack.postgres.pid is None
    assert not any(child.pid for child in stack.children.values())


async def test_a_taken_port_is_named_with_its_option():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        taken.listen()
        with pytest.raises(StackError, match=rf"{port}\. .*--sandbox-port 0"):
            Ports(sandbox=port).settled()


def test_free_ports_are_distinct_and_below_the_ephemeral_range():
    ports = Ports(api=free_port()).settled()
    chosen = {ports.api, ports.sandbox, ports.smtp, ports.postgres}
    assert len(chosen) == 4
    assert all(port in BELOW_EPHEMERAL for port in chosen)


def test_restarts_slow_down_and_end():
    policy = RestartPolicy(attempts=4, within_seconds=60, first_delay=1, longest_delay=5)
    deaths: list[float] = []
    delays = []
    for moment in range(5):
        deaths.append(float(moment))
        delays.append(policy.delay(deaths, float(moment)))
    assert delays == [1, 2, 4, 5, None]
    assert policy.delay([*deaths, 1000.0], 1000.0) == 1  # old deaths are forgiven


async def test_a_child_that_dies_is_started_again_until_it_is_given_up(tmp_path):
    said: list[str] = []
    counter = f"open({str(tmp_path / 'starts')!r}, 'a').write('x'); raise SystemExit('broken')"
    child = Child("api", [sys.executable, "-c", counter], os.environ, ROOT, no_echo)
    child.start()
    policy = RestartPolicy(attempts=2, first_delay=0.01)
    with pytest.raises(StackError, match=r"api keeps ending \(last with 1\):\n(broken\n?)+"):
        await keep_alive(child, policy, lambda _, line: said.append(line))
    assert (tmp_path / "starts").read_text() == "xxx"
    assert said == ["api ended with 1; starting it again in 0.01 s", "api ended with 1; starting it again in 0.02 s"]


async def test_a_child_that_ignores_sigterm_is_killed(monkeypatch):
    monkeypatch.setattr("sandbox.children.STOP_WAIT", 0.2)
    said: list[str] = []
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(600)"
    child = Child("api", [sys.executable, "-uc", stubborn], os.environ, ROOT, lambda _, line: said.append(line))
    child.start()
    assert await eventually(lambda: "deaf" in said)
    await child.stop()
    assert child.exit_code == -signal.SIGKILL


def test_the_environment_is_what_the_service_reads():
    built = environment(
        database_url="postgresql://x",
        public_url="http://api",
        sandbox_url="http://sandbox",
        smtp_host="127.0.0.1",
        smtp_port=25,
        keys=Secrets.random(),
        dns_address="127.0.0.1:53",
    )
    assert json.loads(built["CALENDAR_CONNECT_DNS_RESOLVERS"]) == ["127.0.0.1:53"]
    assert len(base64.b64decode(json.loads(built["CALENDAR_CONNECT_MASTER_KEYS"])["1"])) == 32
    assert len(base64.b64decode(built["CALENDAR_CONNECT_SIGNING_KEY"])) == 32
    assert "http://api/" in json.loads(built["CALENDAR_CONNECT_RETURN_URLS"])
    assert built["CALENDAR_CONNECT_GOOGLE_AUTH_URL"] == "http://sandbox/google/o/oauth2/v2/auth"
    # The names are the settings' own: a renamed setting must fail here, not in `make run`.
    declared = set(re.findall(r"^    (\w+): ", (ROOT / "app" / "settings.py").read_text(), re.MULTILINE))
    assert {name.removeprefix("CALENDAR_CONNECT_").lower() for name in built} <= declared


def test_secrets_are_made_once_and_only_ours_to_read(tmp_path):
    path = tmp_path / "new" / "secrets.json"
    made = Secrets.kept_in(path)
    assert Secrets.kept_in(path) == made != Secrets.random()
    assert path.stat().st_mode & 0o777 == 0o600


async def start_run(data: Path) -> tuple[asyncio.subprocess.Process, str]:
    """`make run` in a process of its own, read up to the end of its welcome."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, str(data), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output = ""
    async with asyncio.timeout(40):
        while "Stop with Ctrl-C" not in output:
            line = (await process.stdout.readline()).decode()
            assert line, output
            output += line
    return process, output


def descendants(pid: int) -> set[int]:
    """All processes below this one, from /proc."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(") ")[2].split()[1])
        except FileNotFoundError:
            continue
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in found | {pid}} - found:
        found |= more
    return found


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_run_welcomes_and_leaves_nothing_running_however_it_ends(data_directory, signum):
    process, output = await start_run(data_directory)
    below = descendants(process.pid)
    assert len(below) >= 4
    assert "migrated" in output
    assert "migrate │" in output
    token = (data_directory / "token").read_text().strip()
    assert token.count(".") == 2
    assert (data_directory / "token").stat().st_mode & 0o777 == 0o600
    async with Sandbox(re.search(r"Sandbox +(http://\S+)", output)[1]) as sandbox:
        assert len(await sandbox.google_events("ada@example.com")) > 10
    process.send_signal(signum)
    async with asyncio.timeout(20):
        rest, _ = await process.communicate()
    assert await eventually(lambda: not any(is_running(pid) for pid in below))
    if signum != signal.SIGKILL:
        assert process.returncode == 0, rest.decode()


async def test_run_names_a_taken_port_and_ends(data_directory):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        arguments = ["-m", "sandbox", "run", "--data", str(data_directory), "--api-port", str(port)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        async with asyncio.timeout(20):
            _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().strip().startswith(f"Taken on 127.0.0.1: {port}")  # others may be, too
    assert 'make run ARGS="--api-port 0' in errors.decode()


async def test_run_starts_what_was_killed_again(data_directory):
    process, output = await start_run(data_directory)
    try:
        url = re.search(r"API +(http://\S+)", output)[1]
        async with httpx.AsyncClient(timeout=5) as client:
            first = (await client.get(url)).json()["pid"]
            os.kill(first, signal.SIGKILL)
            second = first
            async with asyncio.timeout(20):
                while second == first:
                    await asyncio.sleep(0.1)
                    try:
                        second = (await client.get(url)).json()["pid"]
                    except httpx.TransportError:
                        continue
    finally:
        process.terminate()
        rest, _ = await process.communicate()
    assert "api ended with -9; starting it again in 0.5 s" in rest.decode()
