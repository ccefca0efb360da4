"""The `type` of a problem leads to the page of its code, where the operator publishes the documentation."""

import httpx
import pytest
from pydantic import ValidationError

from app.main import create_app
from app.routers.openapi import document_settings
from app.settings import Settings
from documentation.problem_pages import page_of


async def _type_of_not_found(settings: Settings) -> str:
    transport = httpx.ASGITransport(create_app(settings), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as api:
        answer: str = (await api.get("/nowhere")).json()["type"]
        return answer


@pytest.mark.parametrize(
    "base", ["https://docs.example.com/calendar/problems", "https://docs.example.com/calendar/problems/"]
)
async def test_a_problem_names_its_page(base: str) -> None:
    named = await _type_of_not_found(document_settings().model_copy(update={"problem_base_url": base}))
    assert named == "https://docs.example.com/calendar/problems/not_found"
    assert named.removeprefix("https://docs.example.com/calendar/") == page_of("not_found").removesuffix("/index.md")


async def test_without_the_setting_it_stays_below_the_service() -> None:
    settings = document_settings()
    assert settings.problem_base_url is None
    assert await _type_of_not_found(settings) == f"{settings.public_url.rstrip('/')}/problems/not_found"


@pytest.mark.parametrize("base", ["docs.example.com", "https://docs.example.com/?page=", "https://docs.example.com/#"])
def test_what_cannot_be_the_beginning_of_an_address_is_refused(base: str) -> None:
    with pytest.raises(ValidationError, match="problem_base_url"):
        Settings.model_validate(document_settings().model_dump() | {"problem_base_url": base})
