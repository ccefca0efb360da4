"""The example front end's web server and its build. What it shows is tested in a browser, in `tests/browser`."""

import shutil
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from sandbox import front_end_build
from sandbox.client import Sandbox
from sandbox.front_end import FrontEnd, Places, create_front_end
from sandbox.front_end_build import FrontEndNotBuiltError, build_front_end
from sandbox.front_end_people import PEOPLE, Company, SignIn
from tests.support.world import World


@pytest.fixture
def places(tmp_path: Path, sandbox: Sandbox) -> Places:
    built = tmp_path / "built"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<title>Meetings</title>")
    (built / "assets" / "app.js").write_text("export {}")
    return Places(built, "http://api.test", sandbox.http_url, tmp_path / "company.json")


@pytest.fixture
async def browser(places: Places) -> AsyncIterator[httpx.AsyncClient]:
    app = create_front_end(places)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://front.test") as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/meetings/ada/intro", "/bookings/bkg_1/cancel", "/settings/calendar"])
async def test_every_address_of_the_application_is_the_same_file(browser, path):
    answer = await browser.get(path)
    assert (answer.status_code, answer.text) == (200, "<title>Meetings</title>")
    assert answer.headers["Cache-Control"] == "no-cache"  # a new build is seen at once


async def test_a_missing_asset_is_not_the_application(browser):
    assert (await browser.get("/assets/app.js")).text == "export {}"
    assert (await browser.get("/assets/old.js")).status_code == 404


async def test_pages_may_run_nothing_of_others_and_ask_the_api_alone(browser):
    policy = (await browser.get("/")).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "connect-src 'self' http://api.test;" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy  # default-src holds for scripts: nothing inline


async def test_the_front_end_is_told_where_everything_is(browser, places):
    assert (await browser.get("/config.json")).json() == {
        "api_url": "http://api.test",
        "webhook_url": "http://front.test/webhooks",
    }
    told = (await browser.get("/session/people")).json()["items"]
    assert [person["email"] for person in told] == [person.email for person in PEOPLE]
    assert {person["provider"] for person in told} == {"google", "office365", "exchange"}
    assert {person["email"]: person["user_id"] for person in told} == Company.kept_in(places.company).user_ids


async def test_a_stranger_is_not_signed_in(browser):
    for body in ({"email": "mallory@example.com"}, {}):
        assert (await browser.post("/session", json=body)).status_code == 404


async def test_who_signs_in_is_known_to_the_service_by_name_and_has_a_mailbox(
    world: World, sandbox: Sandbox, tmp_path: Path
):
    company = Company.kept_in(tmp_path / "company.json")
    desk = SignIn(sandbox, world.api, company)
    for email in ("gerda@example.com", "gerda@example.com", "nils@example.com"):
        session = await desk.sign_in(email)
        headers = {"Authorization": f"Bearer {session['token']}"}
        me = (await world.api.get("/v1/me", headers=headers)).json()
        assert (me["user"]["id"], me["account"]["id"]) == (company.user_ids[email], company.account_id)
        assert me["user"]["name"] == session["name"]
        assert bool(me["seats"]) == (email == "gerda@example.com")
        assert [each["product"] for each in me["account"]["subscriptions"]] == ["sales_hub"]  # whoever signs in
    feed = await world.api.get("/v1/events", headers={"Authorization": f"Bearer {session['crm_token']}"})
    assert feed.status_code == 200
    assert await sandbox.google_events("gerda@example.com") == []


async def test_colleagues_can_host_who_have_never_signed_in(world: World, sandbox: Sandbox, tmp_path: Path):
    company = Company.kept_in(tmp_path / "company.json")
    session = await SignIn(sandbox, world.api, company).sign_in("gerda@example.com")
    nils = company.user_ids["nils@example.com"]
    team = {"type": "round_robin", "name": "Team", "time_zone": "UTC", "durations_minutes": [30], "member_ids": [nils]}
    headers = {"Authorization": f"Bearer {session['token']}"}
    made = await world.api.post("/v1/scheduling-pages", json=team, headers=headers)
    assert made.status_code == 201
    assert [member["name"] for member in made.json()["members"]] == ["Gerda Holm", "Nils Lund"]


async def test_the_same_people_come_back(tmp_path):
    first = Company.kept_in(tmp_path / "company.json", {"ada@example.com": "usr_ada"}, "acct_one")
    assert (first.account_id, first.user_ids["ada@example.com"]) == ("acct_one", "usr_ada")
    assert Company.kept_in(tmp_path / "company.json") == first


async def test_who_joins_later_gets_an_id_and_the_others_keep_theirs(tmp_path):
    path = tmp_path / "company.json"
    path.write_text('{"account_id": "acct_one", "user_ids": {"ada@example.com": "usr_ada"}}')
    company = Company.kept_in(path)
    assert (company.account_id, company.user_ids["ada@example.com"]) == ("acct_one", "usr_ada")
    assert set(company.user_ids) == {person.email for person in PEOPLE}
    assert Company.kept_in(path) == company


async def test_mails_are_told_by_their_envelopes_only(places, sandbox, monkeypatch):
    mail = {"number": 1, "subject": "Hej", "received_at": "2026-01-01T00:00:00Z", "envelope_to": ["v@example.net"]}

    async def mails(to: str) -> list[dict[str, object]]:
        return [mail | {"text": "a link with a token", "html": "<a>"}] if to == "v@example.net" else []

    monkeypatch.setattr(sandbox, "mails", mails)
    front_end = FrontEnd(places, sandbox, httpx.AsyncClient())
    request = type("Request", (), {"query_params": {"to": "v@example.net"}})()
    assert (await front_end.mails(request)).body == httpx.Response(200, json={"items": [mail]}).content


def _tree(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A front end of one file, with a document beside it."""
    sources, document = root / "front-end", root / "openapi.client.json"
    (sources / "src").mkdir(parents=True)
    (sources / "src" / "main.ts").write_text("1")
    document.write_text("{}")
    monkeypatch.setattr(front_end_build, "ROOT", root)
    monkeypatch.setattr(front_end_build, "SOURCES", sources)
    monkeypatch.setattr(front_end_build, "DOCUMENT", document)
    monkeypatch.setattr(front_end_build, "BUILT", root / "built")
    return sources


def _programs(directory: Path, *, node: str, npm: str) -> None:
    directory.mkdir(exist_ok=True)
    for name, script in {"node": node, "npm": npm}.items():
        program = directory / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_without_node_it_says_how_to_get_it(tmp_path, monkeypatch):
    _tree(tmp_path, monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FrontEndNotBuiltError, match=r"Node\.js 20\.19 or later"):
        build_front_end(lambda _: None)


def test_an_old_node_is_named(tmp_path, monkeypatch):
    _tree(tmp_path, monkeypatch)
    _programs(tmp_path / "bin", node="echo v18.20.1", npm="exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    with pytest.raises(FrontEndNotBuiltError, match=r"This is Node v18\.20\.1"):
        build_front_end(lambda _: None)


def test_it_is_built_once_and_again_when_a_source_or_the_document_changes(tmp_path, monkeypatch):
    sources = _tree(tmp_path, monkeypatch)
    log = tmp_path / "log"
    npm = f'echo "$@" >> {log}; mkdir -p "$FRONT_END_OUT"; rm -f "$FRONT_END_OUT"/.built*'  # as the build empties it
    _programs(tmp_path / "bin", node="echo v20.19.0", npm=npm)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    said: list[str] = []
    assert build_front_end(said.append) == tmp_path / "built"
    first = log.read_text().splitlines()
    assert [line.split()[-1] for line in first] == ["--loglevel=error", "generate", "build"]
    build_front_end(said.append)
    assert (log.read_text().splitlines(), len(said)) == (first, 1)
    for changed in (sources / "src" / "main.ts", tmp_path / "openapi.client.json"):
        before = len(log.read_text().splitlines())
        changed.write_text("2")
        build_front_end(said.append)
        assert len(log.read_text().splitlines()) > before
    shutil.rmtree(tmp_path / "bin")
    build_front_end(said.append)  # what is built needs no Node


def test_a_build_that_fails_says_why(tmp_path, monkeypatch):
    _tree(tmp_path, monkeypatch)
    _programs(tmp_path / "bin", node="echo v20.19.0", npm="echo 'main.ts is odd'; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    with pytest.raises(FrontEndNotBuiltError, match=r"failed:\nmain\.ts is odd"):
        build_front_end(lambda _: None)
