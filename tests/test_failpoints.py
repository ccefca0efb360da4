"""Failpoints: a process dies where it was told to, at the so manieth time, and only beside a sandbox.

The one rule: who dies is a process of its own.
"""

import base64
import signal
import subprocess
import sys

import pytest
from pydantic import ValidationError

from app import failpoints
from app.failpoints import Failpoint, reached
from app.settings import Settings

HERE = "http://127.0.0.1:8000"
REQUIRED = {
    "database_url": "postgresql://u@h/d",
    "booking_base_url": HERE,
    "return_urls": [HERE],
    "jwks_url": HERE,
    "master_keys": {1: base64.b64encode(bytes(32)).decode()},
    "signing_key": base64.b64encode(bytes(32)).decode(),
    "smtp_host": "localhost",
    "mail_from": "no-reply@example.com",
}


def _settings(**changes) -> Settings:
    return Settings(_env_file=None, **{**REQUIRED, "public_url": HERE, "issuer": HERE, **changes})


def test_it_dies_the_third_time_and_says_of_what() -> None:
    program = """
from app.failpoints import Failpoint, arm, reached
arm({"booking.after_commit": 3})
for time in range(1, 5):
    reached(Failpoint.BOOKING_BEFORE_COMMIT)
    reached(Failpoint.BOOKING_AFTER_COMMIT)
    print(time, flush=True)
"""
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours

    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout == "1\n2\n"
    assert ended.stderr == "failpoint booking.after_commit\n"


def test_nothing_happens_where_nothing_is_armed() -> None:
    assert not failpoints._armed
    for point in Failpoint:
        reached(point)


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"booking\.sometimes"):
        failpoints.arm({"booking.sometimes": 1})


@pytest.mark.parametrize("abroad", ["public_url", "issuer"])
def test_no_deployment_can_be_told_to_die(abroad: str) -> None:
    assert _settings(failpoints={"sync.page": 1}).failpoints == {"sync.page": 1}
    assert _settings(**{abroad: "https://calendars.example.com"}).failpoints == {}
    with pytest.raises(ValidationError, match="for the sandbox"):
        _settings(failpoints={"sync.page": 1}, **{abroad: "https://calendars.example.com"})
