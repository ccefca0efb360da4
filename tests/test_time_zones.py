"""Whose time zones count: those that came with the service, not the machine's.

The one rule: a process of its own is asked, before anything else has looked at a zone.
"""

import subprocess
import sys
from importlib.resources import files


def test_the_zones_are_those_that_were_installed_with_the_service() -> None:
    program = """
import app.main
import zoneinfo
assert zoneinfo.TZPATH == ()
print(zoneinfo.ZoneInfo("America/Vancouver").key)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)  # noqa: S603
    assert (said.stdout.strip(), said.returncode) == ("America/Vancouver", 0), said.stderr
    assert files("tzdata").joinpath("zoneinfo/America/Vancouver").is_file()
