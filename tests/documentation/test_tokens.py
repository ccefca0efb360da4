"""docs/tokens.md: what is shown there is what the service reads."""

import json
import re
from typing import Any
from uuid import UUID

from app.accounts.principal import Permission, principal_from_claims
from app.accounts.schemas import UserUpsert
from app.accounts.tokens import ALGORITHMS
from app.ids import encode_id
from tests.documentation.pages import text

PAGE = text("tokens.md")
CLAIMS, USER = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))


def derived() -> dict[str, UUID]:
    """What the page's Python makes."""
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    made: dict[str, Any] = {}
    exec(code, made)  # noqa: S102 - our own page
    return made


def test_the_token_is_one_and_its_ids_are_made_as_told() -> None:
    principal, made = principal_from_claims(CLAIMS), derived()
    assert CLAIMS["sub"] == encode_id("usr", made["user"])
    assert (principal.account_id, principal.user) == (made["account"], made["user"])
    assert Permission.PERSONAL_EMAIL_ACCESS in principal.permissions
    assert principal.seats[0].tier == "professional"


def test_every_claim_of_the_token_and_every_permission_and_algorithm_is_explained() -> None:
    for name in (*CLAIMS, *(permission.value for permission in Permission)):
        assert f"`{name}`" in PAGE, name
    for algorithm in ALGORITHMS:
        assert algorithm in PAGE


def test_the_user_is_what_the_operation_takes() -> None:
    user = UserUpsert.model_validate(USER)
    assert user.name == "Ada Lovelace"
