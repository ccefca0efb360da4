"""Operations that pages name lead to the reference."""

import pytest

from documentation.named_operations import led_to_operations
from documentation.repository import api_document

ME = '[`getMe`](reference/account.md#getme "GET /v1/me")'


@pytest.mark.parametrize(
    ("written", "published"),
    [
        ("Ask `getMe` first, then `getMe`.", f"Ask {ME} first, then {ME}."),
        ("A wrapped [`getMe`](elsewhere.md) stays.", "A wrapped [`getMe`](elsewhere.md) stays."),
        ("## `getMe`\n\n`getMe`", f"## `getMe`\n\n{ME}"),
        ("```sh\n`getMe`\n```\n`getMe`", f"```sh\n`getMe`\n```\n{ME}"),
        ("`getNothing` and `snake_case`", "`getNothing` and `snake_case`"),
    ],
)
def test_a_named_operation_is_a_link_that_shows_its_request(written: str, published: str) -> None:
    assert led_to_operations(api_document(), written, "index.md") == published


def test_the_link_is_seen_from_the_page() -> None:
    assert "(../reference/account.md#" in led_to_operations(api_document(), "`getMe`", "connect/google.md")
