"""Where the browser may be sent after connecting: what is allowed, and no look-alike of it (R8)."""

import pytest
from pydantic import ValidationError

from app.connections.return_urls import allowed_return_url, with_result
from app.errors import ReturnUrlNotAllowed
from app.routers.openapi import document_settings
from app.settings import Settings

ALLOWED = ["https://crm.example.com/meetings", "crm-app://home/"]


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example.com.evil.example/meetings",
        "https://crm.example.comevil.example/meetings",
        "https://evil.example/https://crm.example.com/meetings",
        "https://crm.example.com@evil.example/meetings",
        "https://user:pass@crm.example.com/meetings",
        "https://evil.example\\@crm.example.com/meetings",
        "https://crm.example.com\\@evil.example/meetings",
        "https://crm.example.com/meetings-evil",
        "https://crm.example.com/meetings/../admin",
        "https://crm.example.com/meetings/%2e%2e/admin",
        "https://crm.example.com/meetings/%2E./admin",
        "https://crm.example.com/admin",
        "https://crm.example.com",
        "http://crm.example.com/meetings",
        "https://crm.example.com:8443/meetings",
        "https://crm.example.com:port/meetings",
        "https://[crm.example.com/meetings",
        "https://xn--crm-.example.com/meetings",
        "crm-app://homes/",
        "crm-app://evil/home/",
        "evil-app://home/",
        "data:text/html,https://crm.example.com/meetings",
    ],
)
def test_r8_a_look_alike_of_an_allowed_url_is_refused(url: str) -> None:
    with pytest.raises(ReturnUrlNotAllowed):
        allowed_return_url(url, ALLOWED, client="web")


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example.com/meetings",
        "https://CRM.example.com/meetings/",
        "https://crm.example.com/meetings/a?b=c#d",
        "crm-app://home/",
        "crm-app://home/today",
    ],
)
def test_r8_an_allowed_url_and_what_lies_below_it_is_allowed(url: str) -> None:
    assert allowed_return_url(url, ALLOWED, client="web") == url
    assert allowed_return_url(None, ALLOWED, client="web") == ALLOWED[0]


def test_r8_the_result_joins_the_query_that_was_there() -> None:
    url = with_result("https://crm.example.com/m?a=1&b=#top", status="failed", code=None, authorization_id="x")
    assert url == "https://crm.example.com/m?a=1&b=&status=failed&authorization_id=x#top"


def test_r8_a_deployment_without_anywhere_to_go_back_to_does_not_start() -> None:
    good = document_settings().model_dump()
    assert Settings(**good).return_urls
    with pytest.raises(ValidationError, match="return_urls"):
        Settings(**good | {"return_urls": []})
