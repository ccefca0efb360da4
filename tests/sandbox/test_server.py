"""The composed sandbox over real sockets: as a block in this process, and as a command in another."""

import asyncio
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import fields
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import pytest

from sandbox.ports import PortTakenError
from sandbox.server import Addresses, Places, serve

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def browser(addresses) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=addresses.http_url) as client:
        yield client


async def test_every_place_of_the_front_page_answers(browser):
    front = await browser.get("/")
    assert front.headers["content-type"].startswith("text/html")
    linked = re.findall(r'href="([^"]+)"', front.text)
    assert {"/calendars", "/dashboard", "/mail", "/control/clock"} <= set(linked)
    for path in linked:
        assert (await browser.get(path)).is_success, path
    assert (await browser.get("/health")).json() == {"status": "ok"}


async def test_the_issuer_knows_its_own_address(browser, addresses):
    configuration = (await browser.get("/identity/.well-known/openid-configuration")).json()
    assert configuration["issuer"] == f"{addresses.http_url}/identity"
    keys = (await browser.get(configuration["jwks_uri"])).json()["keys"]
    assert {key["alg"] for key in keys} == {"RS256", "ES256"}


async def test_google_answers_on_its_own_paths(browser):
    answer = await browser.get("/google/calendar/v3/users/me/calendarList")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == 401


async def test_a_mail_goes_from_smtp_to_the_mailbox_and_its_page(browser, addresses):
    message = EmailMessage()
    message["From"] = "no-reply@example.com"
    message["To"] = "reader@example.com"
    message["Subject"] = "Fish & <chips>"
    message.set_content("Plain <b>words</b>")
    message.add_alternative("<p onclick='alert(1)'>Rich</p>", subtype="html")
    await aiosmtplib.send(message, hostname=addresses.smtp_host, port=addresses.smtp_port)

    [received] = (await browser.get("/control/mail/messages", params={"to": "reader@example.com"})).json()["items"]
    assert received["subject"] == "Fish & <chips>"
    assert "Fish &amp; &lt;chips&gt;" in (await browser.get("/mail")).text
    page = (await browser.get(f"/mail/{received['number']}")).text
    assert "Plain &lt;b&gt;words&lt;/b&gt;" in page
    assert "<p onclick" not in page  # it is inside the frame's attribute, escaped, where scripts do not run
    assert 'sandbox="allow-popups' in page
    assert (await browser.get("/mail/9999")).status_code == 404


async def test_the_dashboard_shows_with_what_the_browser_was_sent_back(browser):
    page = (await browser.get("/dashboard", params={"status": "failed", "code": "<account_mismatch>"})).text
    assert "<th>status</th><td>failed</td>" in page
    assert "&lt;account_mismatch&gt;" in page


async def test_the_clock_moves_stops_and_returns(browser):
    def now_of(answer: httpx.Response) -> datetime:
        return datetime.fromisoformat(answer.raise_for_status().json()["now"])

    before = now_of(await browser.get("/control/clock"))
    after = now_of(await browser.post("/control/clock", json={"advance_seconds": 3600}))
    assert timedelta(seconds=3600) <= after - before < timedelta(seconds=3660)
    frozen = {"freeze_at": "2026-03-29T00:30:00+01:00"}
    for _ in range(2):
        assert now_of(await browser.post("/control/clock", json=frozen)).isoformat() == "2026-03-28T23:30:00+00:00"
    assert (await browser.post("/control/clock", json={"freeze_at": "2026-03-29T00:30:00"})).status_code == 422
    assert abs(now_of(await browser.delete("/control/clock")) - before) < timedelta(seconds=60)


async def test_taken_ports_are_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"Port {port} .* sandbox"):
            async with serve(Places(http_port=port)):
                pytest.fail("it started")
        with pytest.raises(PortTakenError, match=f"Port {port} .* SMTP"):
            async with serve(Places(smtp_port=port)):
                pytest.fail("it started")


async def test_everything_is_there_over_tls_as_well_and_names_itself_so():
    async with serve() as addresses:
        trusted = ssl.create_default_context(cafile=addresses.ews_authority)
        async with httpx.AsyncClient(base_url=addresses.https_url, verify=trusted) as client:
            assert (await client.get("/health")).is_success
            told = (await client.get("/microsoft/common/v2.0/.well-known/openid-configuration")).json()
    assert told["token_endpoint"].startswith(f"{addresses.https_url}/microsoft/")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
async def test_the_command_writes_its_ready_file_serves_and_stops_at_a_signal(tmp_path, signum):
    ready = tmp_path / "ready.json"
    arguments = ["-m", "sandbox", "serve", "--http-port", "0", "--smtp-port", "0", "--ready-file", str(ready)]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        line = await asyncio.wait_for(process.stdout.readline(), timeout=20)
        addresses = json.loads(ready.read_text())
        assert addresses.keys() == {field.name for field in fields(Addresses)}
        assert addresses["http_url"] in line.decode()
        assert [path.name for path in tmp_path.iterdir()] == ["ready.json"]  # no draft is left
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{addresses['http_url']}/health")).is_success
        with socket.create_connection((addresses["smtp_host"], addresses["smtp_port"])) as smtp:
            assert smtp.recv(3) == b"220"
        process.send_signal(signum)
        assert await asyncio.wait_for(process.wait(), timeout=10) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
