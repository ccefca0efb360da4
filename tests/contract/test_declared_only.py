"""What tests get is compared with what is declared: the way to the application does it, for every test."""

import httpx
import pytest
from fastapi import FastAPI

from app.errors import AppError, NotFound, PayloadTooLarge, SlugTaken, TokenExpired
from app.routers.operation_ids import operation_id
from app.routers.problems import add_problem_handlers
from tests.support.declared import DeclaredOnly, UndeclaredError


def _answering(error: type[AppError]) -> httpx.AsyncClient:
    """An application that has two operations of ours, and answers them with this alone."""
    app = FastAPI(generate_unique_id_function=operation_id)
    app.state.problem_base = "https://problems.example"
    add_problem_handlers(app)

    @app.get("/v1/me")
    async def get_me() -> None:
        raise error

    @app.post("/v1/webhook-endpoints/{endpoint_id}/test")
    async def send_test_webhook(endpoint_id: str) -> None:
        raise error

    return httpx.AsyncClient(transport=DeclaredOnly(app), base_url="http://api.test")


async def test_a_declared_problem_passes_with_its_body() -> None:
    async with _answering(TokenExpired) as api:
        answer = await api.get("/v1/me")

    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")
    assert answer.elapsed


async def test_another_one_fails_and_says_whose_it_is() -> None:
    async with _answering(SlugTaken) as api:
        with pytest.raises(UndeclaredError, match="getMe answers slug_taken"):
            await api.get("/v1/me")


async def test_what_one_operation_declares_is_not_good_for_another() -> None:
    async with _answering(NotFound) as api:
        assert (await api.post("/v1/webhook-endpoints/1/test")).status_code == 404
        with pytest.raises(UndeclaredError):
            await api.get("/v1/me")


async def test_of_a_body_that_nobody_asked_for_anything_fitting_may_be_said() -> None:
    async with _answering(PayloadTooLarge) as api:
        assert (await api.post("/v1/webhook-endpoints/1/test", content=b"{}")).status_code == 413
        with pytest.raises(UndeclaredError):
            await api.post("/v1/webhook-endpoints/1/test")
    async with _answering(SlugTaken) as api:
        with pytest.raises(UndeclaredError):
            await api.post("/v1/webhook-endpoints/1/test", content=b"{}")


async def test_where_there_is_no_operation_nothing_is_declared() -> None:
    async with _answering(SlugTaken) as api:
        assert (await api.get("/nowhere")).status_code == 404
        assert (await api.delete("/v1/me")).status_code == 405
