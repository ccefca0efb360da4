"""The receivers that the documentation shows take what the service sends, and nothing else.

Python's and Node's run against real deliveries. Those of other languages run against the documented message where their
tools are there, and are held to it by review where they are not; the message itself is checked here.
"""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from documentation.repository import ROOT
from tests.documentation.pages import blocks
from tests.events.crm import crm_of
from tests.events.receiver import Received, receiving
from tests.support.world import World

Message = dict[str, Any]
Verifier = Callable[[Message], bool]

NODE = shutil.which("node") or ""
TYPESCRIPT = ROOT / "contract" / "node_modules" / "typescript"
GO, PHP = shutil.which("go") or "", shutil.which("php") or ""
_NODE_USE = """
import { readFileSync } from "node:fs";
import { verified } from "./receiver.mjs";
const it = JSON.parse(readFileSync(0, "utf8"));
console.log(verified(it.secret, it.headers, Buffer.from(it.body, "utf8"), it.now));
"""
_TO_JAVASCRIPT = """
const ts = require(process.argv[1]);
const options = { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } };
process.stdout.write(ts.transpileModule(require("node:fs").readFileSync(0, "utf8"), options).outputText);
"""
_GO_USE = """package webhooks

import ("encoding/json"; "net/http"; "os"; "testing"; "time")

func TestMessage(t *testing.T) {
    var it struct { Secret, Body string; Now int64; Headers map[string]string }
    if err := json.NewDecoder(os.Stdin).Decode(&it); err != nil { t.Fatal(err) }
    headers := http.Header{}
    for name, value := range it.Headers { headers.Set(name, value) }
    if !Verified(it.Secret, headers, []byte(it.Body), time.Unix(it.Now, 0)) { t.Fatal("refused") }
}
"""
_PHP_USE = """
$it = json_decode(stream_get_contents(STDIN), true);
exit(verified($it['secret'], $it['headers'], $it['body'], (int) $it['now']) ? 0 : 1);
"""


def python_receiver(tmp_path: Path) -> Verifier:
    """The documented function itself."""
    space: dict[str, Any] = {}
    exec(compile(blocks("webhooks.md", "run: receiver in Python")[0], "webhooks.md", "exec"), space)  # noqa: S102 - ours
    return lambda it: bool(space["verified"](it["secret"], it["headers"], it["body"].encode(), it["now"]))


def node_receiver(tmp_path: Path) -> Verifier:
    """The documented function in a process of its own."""
    if not NODE or not TYPESCRIPT.is_dir():
        pytest.skip("Node and contract/node_modules are not there (make check installs them)")
    source = blocks("webhooks.md", "run: receiver in TypeScript")[0]
    (tmp_path / "receiver.mjs").write_text(_ran([NODE, "-e", _TO_JAVASCRIPT, str(TYPESCRIPT)], source))
    (tmp_path / "use.mjs").write_text(_NODE_USE)
    return lambda it: _ran([NODE, str(tmp_path / "use.mjs")], json.dumps(it)).strip() == "true"


def _ran(arguments: list[str], given: str) -> str:
    done = subprocess.run(arguments, input=given, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - ours
    assert done.returncode == 0, done.stderr
    return done.stdout


def documented() -> Message:
    """The message of the page."""
    message: Message = json.loads(blocks("webhooks.md", "vector")[0])
    return message


def sent(message: Received, secret: str) -> Message:
    """A delivery in the form of the page's message."""
    now = int(message.headers["webhook-timestamp"]) + 1
    return {"secret": secret, "now": now, "headers": message.headers, "body": message.body.decode()}


@pytest.fixture(params=[python_receiver, node_receiver], ids=["Python", "Node"])
def verified(request: pytest.FixtureRequest, tmp_path: Path) -> Verifier:
    made: Verifier = request.param(tmp_path)
    return made


async def test_real_deliveries_are_taken(world: World, verified: Verifier) -> None:
    person = await world.person()
    crm = await crm_of(world, person)
    async with receiving() as receiver:
        endpoint = await crm.endpoint(receiver.url)
        await person.make_page(name="Möte ☕")
        await world.work()
        [first] = await receiver.until(1)
        answer = await crm.act(endpoint, "rotate-secret")
        assert answer.status_code == 200, answer.text
        renewed = answer.json()["secret"]
        await person.make_page()
        await world.work()
        [_, second] = await receiver.until(2)
    assert verified(sent(first, endpoint["secret"]))
    assert not verified(sent(first, renewed))
    assert verified(sent(second, endpoint["secret"])), "while the secret is changed both are good"
    assert verified(sent(second, renewed))


def test_the_documented_message_is_taken_and_a_changed_one_is_not(verified: Verifier) -> None:
    good = documented()
    assert verified(good)
    assert not verified(good | {"body": good["body"].replace("1042", "1043")})
    assert not verified(good | {"now": good["now"] + 301})
    assert not verified(good | {"now": good["now"] - 303})
    for name, value in (
        ("webhook-id", "evt_other"),
        ("webhook-signature", "v1,AAAA"),
        ("webhook-signature", "v1,Ä"),
        ("webhook-signature", ""),
        ("webhook-timestamp", "soon"),
    ):
        assert not verified(good | {"headers": good["headers"] | {name: value}}), name


@pytest.mark.skipif(not GO, reason="Go is not there; its receiver was reviewed against the message")
def test_the_receiver_in_go_takes_the_documented_message(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module webhooks\n\ngo 1.19\n")
    (tmp_path / "receiver.go").write_text(blocks("webhooks.md", "reviewed: receiver in Go")[0])
    (tmp_path / "receiver_test.go").write_text(_GO_USE)
    subprocess.run(  # noqa: S603 - ours
        [GO, "test", "./..."], cwd=tmp_path, input=json.dumps(documented()), text=True, check=True, timeout=300
    )


@pytest.mark.skipif(not PHP, reason="PHP is not there; its receiver was reviewed against the message")
def test_the_receiver_in_php_takes_the_documented_message(tmp_path: Path) -> None:
    program = tmp_path / "receiver.php"
    program.write_text(blocks("webhooks.md", "reviewed: receiver in PHP")[0] + _PHP_USE)
    _ran([PHP, str(program)], json.dumps(documented()))
