"""The document for generating clients is the full one without what a client cannot call."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.routers.openapi import client_document
from tests.contract.documented import CLIENT_TEXT, DOCUMENT, TEXT, WEBHOOKS, reachable

CLIENT: dict[str, Any] = json.loads(CLIENT_TEXT)
LEFT_OUT = {"webhooks"}


@pytest.mark.parametrize(("options", "committed"), [([], TEXT), (["--client"], CLIENT_TEXT)])
def test_the_committed_documents_are_what_the_command_prints(options: list[str], committed: str) -> None:
    printed = CliRunner().invoke(cli, ["openapi", *options])

    assert printed.exit_code == 0
    assert printed.stdout == committed, "run `make openapi`"


def test_the_full_document_is_left_as_it_is() -> None:
    document = json.loads(json.dumps(DOCUMENT))

    client_document(document)

    assert document == DOCUMENT


def test_it_says_what_the_full_document_says() -> None:
    shared = DOCUMENT.keys() - LEFT_OUT - {"components"}

    assert CLIENT.keys() == shared | {"components"}
    assert {key: CLIENT[key] for key in shared} == {key: DOCUMENT[key] for key in shared}
    for kind, components in CLIENT["components"].items():
        assert components == {name: DOCUMENT["components"][kind][name] for name in components}


def test_what_only_webhooks_use_is_left_out_and_nothing_else() -> None:
    used = reachable([CLIENT["paths"], CLIENT["components"]["responses"]])
    sent = reachable([webhook.spec for webhook in WEBHOOKS])

    assert CLIENT["components"]["schemas"].keys() == used
    assert DOCUMENT["components"]["schemas"].keys() - used == sent - used
    assert DOCUMENT["components"].keys() - CLIENT["components"].keys() == {"parameters"}
    assert not [name for name in CLIENT["components"]["responses"] if name.startswith("Webhook")]
