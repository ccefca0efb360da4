"""Forms that begin with what their visitor has said before (R40), and what is kept for it (R54).

The one rule: every way to get it wrong has the same answer, so that nobody learns what they nearly had.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from app.database import transaction
from app.ids import decode_id, new_id
from app.scheduling.prefill import forget_person
from tests.support.people import Person
from tests.support.world import World, problem

SUBMISSIONS = "/v1/form-submissions"
HOST = "meet.example.com"
FORM = [
    {"id": "company", "label": "Company", "kind": "text", "required": False},
    {"id": "size", "label": "How many", "kind": "choice", "required": False, "options": ["1-10", "11-50"]},
    {"id": "news", "label": "Send me news", "kind": "checkbox", "required": False},
    {"id": "wishes", "label": "Wishes", "kind": "long_text", "required": False},
]
VERA = {"email": "Vera@example.com", "name": "Vera Visitor", "answers": {"company": "Vera & Co", "shoe_size": "38"}}


async def crm(world: World, account_id: str, *, permissions: tuple[str, ...] = ("forms:write",)) -> Person:
    """The CRM's forms, with their service token."""
    service = await world.person(account_id=account_id)
    await service.refresh_token(service=True, sub="service:forms", permissions=list(permissions))
    return service


async def submit(forms: Person, **changes: Any) -> str:
    answer = await forms.post(SUBMISSIONS, VERA | changes)
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["visitor_token"]
    return token


async def connect_domain(world: World, account_id: str, host: str = HOST, status: str = "connected") -> UUID:
    """A domain of the account's that stands like that, without asking DNS."""
    domain_id = new_id()
    await world.rows(
        "INSERT INTO domains (account_id, id, host, token, status) VALUES ($1, $2, $3, 'x', $4)",
        decode_id("acct", account_id),
        domain_id,
        host,
        status,
    )
    return domain_id


async def ask(
    world: World, page: dict[str, Any], token: str, host: str | None = HOST, **headers: str
) -> httpx.Response:
    query = {} if host is None else {"host": host}
    path = f"/v1/public/scheduling-pages/{page['id']}/prefill"
    return await world.api.get(path, params=query, headers={"Visitor-Token": token} | headers)


async def scene(world: World, **page: Any) -> tuple[Person, dict[str, Any], Person]:
    """A host with a page on a domain of the account's own, and the CRM's forms."""
    person = await world.person()
    await connect_domain(world, person.account_id)
    made = await person.make_page(form_fields=FORM, **page)
    return person, made, await crm(world, person.account_id)


async def prefilled(world: World, page: dict[str, Any], token: str) -> dict[str, Any]:
    answer = await ask(world, page, token)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_r40_a_form_begins_with_the_answers_to_its_own_questions(world: World) -> None:
    _, page, forms = await scene(world)
    token = await submit(forms)
    assert await prefilled(world, page, token) == {
        "name": "Vera Visitor",
        "email": "Vera@example.com",
        "answers": {"company": "Vera & Co"},
    }


async def test_r40_the_newest_answer_wins_and_older_ones_of_the_browser_stay(world: World) -> None:
    _, page, forms = await scene(world)
    first = await submit(forms, answers={"company": "Old", "size": "1-10"})
    then = {"email": "vera@example.com", "name": None, "answers": {"company": "New"}}
    second = await submit(forms, **then, visitor_token=first)
    for token in (second, await submit(forms, **then | {"answers": {}}, visitor_token=second)):
        assert await prefilled(world, page, token) == {
            "name": "Vera Visitor",
            "email": "vera@example.com",
            "answers": {"company": "New", "size": "1-10"},
        }
    assert (await prefilled(world, page, first))["answers"] == {"company": "Old", "size": "1-10"}
    assert len(await world.rows("SELECT FROM form_submissions")) == 1


async def test_r40_who_knows_an_address_learns_nothing_of_its_owner(world: World) -> None:
    _, page, forms = await scene(world)
    hers = await submit(forms, answers={"company": "Vera & Co", "size": "1-10"})
    other = await submit(forms, email="mallory@example.com", name="Mallory", answers={"size": "11-50"})
    for held in ({}, {"visitor_token": other}, {"visitor_token": "no token at all"}):
        token = await submit(forms, name=None, answers={"wishes": "tell me"}, **held)
        told = await prefilled(world, page, token)
        assert told == {"name": None, "email": VERA["email"], "answers": {"wishes": "tell me"}}
    assert (await prefilled(world, page, hers))["answers"] == {"company": "Vera & Co", "size": "1-10"}, "nor writes it"


async def test_r40_a_token_of_the_release_before_shows_what_its_person_has_said(world: World) -> None:
    _, page, forms = await scene(world)
    token = await submit(forms)
    await world.rows("UPDATE visitor_tokens SET content = NULL")
    assert (await prefilled(world, page, token))["answers"] == {"company": "Vera & Co"}
    onward = await submit(forms, answers={"size": "1-10"}, visitor_token=token)
    assert (await prefilled(world, page, onward))["answers"] == {"company": "Vera & Co", "size": "1-10"}


async def test_r40_what_the_form_would_not_take_is_left_out_and_no_box_is_ticked(world: World) -> None:
    _, page, forms = await scene(world)
    token = await submit(forms, answers={"size": "99", "news": "true", "company": "two\nlines", "wishes": "two\nlines"})
    assert (await prefilled(world, page, token))["answers"] == {"wishes": "two\nlines"}


async def test_r40_fifty_answers_are_kept_the_newest(world: World) -> None:
    questions = [{"id": f"q{number}", "label": "Q", "kind": "text", "required": False} for number in (0, 1, 30, 49)]
    person, page, forms = await scene(world)
    await person.patch(f"/v1/scheduling-pages/{page['id']}", {"form_fields": [*questions, FORM[0]]})
    first = await submit(forms, answers={f"q{number}": str(number) for number in range(50)})
    token = await submit(forms, answers={"company": "New", "q0": "again"}, visitor_token=first)
    told = (await prefilled(world, page, token))["answers"]
    assert told == {"q0": "again", "q30": "30", "q49": "49", "company": "New"}
    too_many = VERA | {"answers": {f"q{number}": "x" for number in range(51)}}
    problem(await forms.post(SUBMISSIONS, too_many), 422, "validation_failed")


async def test_r40_never_on_the_shared_domain_nor_on_one_that_is_not_the_accounts(world: World) -> None:
    person, page, forms = await scene(world)
    token = await submit(forms)
    stranger = await world.person()
    await connect_domain(world, stranger.account_id, "other.example.com")
    await connect_domain(world, person.account_id, "soon.example.com", "pending")
    await connect_domain(world, person.account_id, "broken.example.com", "failed")
    shared = world.services.links.host
    for host in (shared, "other.example.com", "soon.example.com", "broken.example.com", "x", f"evil-{HOST}", None):
        problem(await ask(world, page, token, host), 404, "not_found")
    for host in (HOST.upper(), f"{HOST}.", f"{HOST}:443"):
        assert (await ask(world, page, token, host)).status_code == 200, host
    assert (await ask(world, page, token, None, Host=HOST)).status_code == 200, "the request's own host"


async def test_r40_every_bad_token_has_the_same_answer(world: World) -> None:
    _, page, forms = await scene(world)
    token = await submit(forms)
    elsewhere = await world.person()
    await connect_domain(world, elsewhere.account_id, "other.example.com")
    foreign = await submit(await crm(world, elsewhere.account_id))
    wrong = ("x", token[:-1], token.swapcase(), foreign, "a" * 100)
    bodies = [problem(await ask(world, page, bad), 404, "not_found") for bad in wrong]
    nowhere = {"id": "page_01k9qj5v3mfb9t2z8h4c6x7wdn"}
    bodies.append(problem(await ask(world, nowhere, token), 404, "not_found"))
    world.clock.offset += timedelta(days=180)
    bodies.append(problem(await ask(world, page, token), 404, "not_found"))
    told = {
        tuple(sorted((key, str(value)) for key, value in body.items() if key not in {"instance", "request_id"}))
        for body in bodies
    }
    assert len(told) == 1
    problem(await world.api.get(f"/v1/public/scheduling-pages/{page['id']}/prefill"), 422, "validation_failed")


async def test_r40_a_token_is_good_for_180_days(world: World) -> None:
    _, page, forms = await scene(world)
    answer = await forms.post(SUBMISSIONS, VERA)
    expires_at = datetime.fromisoformat(answer.json()["expires_at"])
    world.clock.offset = expires_at - timedelta(seconds=30) - datetime.now(expires_at.tzinfo)
    assert (await ask(world, page, answer.json()["visitor_token"])).status_code == 200
    assert answer.headers["Location"] == SUBMISSIONS, "no address of its own"
    world.clock.offset += timedelta(seconds=31)
    assert (await ask(world, page, answer.json()["visitor_token"])).status_code == 404


async def test_r40_a_persons_older_tokens_are_forgotten(world: World) -> None:
    _, page, forms = await scene(world)
    tokens = [await submit(forms) for _ in range(21)]
    assert (await ask(world, page, tokens[0])).status_code == 404
    assert (await ask(world, page, tokens[1])).status_code == 200
    assert len(await world.rows("SELECT FROM visitor_tokens")) == 20


async def test_p5_an_expired_token_and_what_was_said_with_it_go_although_nobody_submits_any_more(world: World) -> None:
    person, _, forms = await scene(world)
    await submit(forms)
    account_id = decode_id("acct", person.account_id)
    for days, left in ((179, 1), (2, 0)):
        world.clock.offset += timedelta(days=days)
        await world.services.pruner.run(account_id, account_id)
        assert len(await world.rows("SELECT FROM visitor_tokens")) == left
        assert len(await world.rows("SELECT FROM form_submissions")) == left


async def test_p5_what_somebody_said_stays_while_any_token_of_theirs_is_good(world: World) -> None:
    person, page, forms = await scene(world)
    account_id = decode_id("acct", person.account_id)
    await submit(forms)
    world.clock.offset += timedelta(days=100)
    token = await submit(forms)
    world.clock.offset += timedelta(days=100)
    await world.services.pruner.run(account_id, account_id)
    assert len(await world.rows("SELECT FROM visitor_tokens")) == 1
    assert (await prefilled(world, page, token))["email"] == VERA["email"]


async def test_r41_a_page_turned_off_pre_fills_nothing(world: World) -> None:
    person, page, forms = await scene(world)
    token = await submit(forms)
    await person.patch("/v1/calendar-settings", {"turned_off": True})
    problem(await ask(world, page, token), 404, "not_found")


async def test_r40_only_the_crms_forms_submit(world: World) -> None:
    person, _, forms = await scene(world)
    problem(await person.post(SUBMISSIONS, VERA), 403, "forbidden")
    await person.refresh_token(permissions=["forms:write"])
    problem(await person.post(SUBMISSIONS, VERA), 403, "forbidden")
    other = await crm(world, person.account_id, permissions=("users:write", "events:read"))
    problem(await other.post(SUBMISSIONS, VERA), 403, "forbidden")
    problem(await world.api.post(SUBMISSIONS, json=VERA), 401, "unauthenticated")
    for bad in ({"email": "nobody"}, {"answers": {"Not an id": "x"}}, {"answers": {"a": "x" * 5001}}, {"name": "a\nb"}):
        problem(await forms.post(SUBMISSIONS, VERA | bad), 422, "validation_failed")
    assert await world.rows("SELECT FROM form_submissions") == []


async def test_r40_two_submissions_at_once_are_both_kept(world: World) -> None:
    _, page, forms = await scene(world)
    wishes = [{"answers": {"company": "Vera & Co"}}, {"answers": {"size": "11-50"}}] * 4
    tokens = await asyncio.gather(*(submit(forms, **wish) for wish in wishes))
    assert len(set(tokens)) == 8
    await world.rows("UPDATE visitor_tokens SET content = NULL")  # what is kept of the person, as before
    assert (await prefilled(world, page, tokens[0]))["answers"] == {"company": "Vera & Co", "size": "11-50"}
    assert len(await world.rows("SELECT FROM form_submissions")) == 1


async def test_r53_accounts_keep_the_same_person_apart(world: World) -> None:
    _, page, forms = await scene(world)
    stranger = await world.person()
    await submit(await crm(world, stranger.account_id), answers={"company": "Told somebody else"})
    token = await submit(forms)
    assert (await prefilled(world, page, token))["answers"] == {"company": "Vera & Co"}


async def test_r54_what_is_kept_names_nobody_and_can_be_erased(world: World) -> None:
    person, page, forms = await scene(world)
    token = await submit(forms)
    dump = repr(await world.rows("SELECT s::text FROM form_submissions s"))
    dump += repr(await world.rows("SELECT content FROM form_submissions"))
    dump += repr(await world.rows("SELECT t::text FROM visitor_tokens t"))
    dump += repr(await world.rows("SELECT a::text FROM audit_entries a WHERE action = 'form_submission.created'"))
    assert "service" in dump
    for word in ("vera", "Vera", token):
        assert word not in dump
    account_id = decode_id("acct", person.account_id)
    [row] = await world.rows("SELECT address_hash FROM form_submissions")
    async with transaction(world.services.sessions, account_id) as session:
        await forget_person(session, row["address_hash"])
    assert await world.rows("SELECT FROM form_submissions UNION ALL SELECT FROM visitor_tokens") == []
    problem(await ask(world, page, token), 404, "not_found")


async def test_r40_a_browser_on_the_domain_may_send_the_token(world: World) -> None:
    _, page, _ = await scene(world)
    asked = {
        "Origin": f"https://{HOST}",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "visitor-token",
    }
    path = f"/v1/public/scheduling-pages/{page['id']}/prefill"
    assert (await world.api.options(path, headers=asked)).status_code == 200


async def test_r40_reading_is_limited_and_nobody_keeps_the_answer(world: World) -> None:
    _, page, forms = await scene(world)
    answer = await ask(world, page, await submit(forms))
    assert answer.headers["Cache-Control"] == "no-store"
    before = int(answer.headers["RateLimit"].split(";r=")[1].split(";")[0])
    refused = await ask(world, page, "guessed")
    assert int(refused.headers["RateLimit"].split(";r=")[1].split(";")[0]) == before - 1
