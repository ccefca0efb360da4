"""Two addresses are the same mailbox by one definition, `normalised`."""

from pathlib import Path

APP = Path(__file__).parents[2] / "app"


def test_r20_addresses_are_compared_in_one_way() -> None:
    folding = [str(path.relative_to(APP)) for path in APP.rglob("*.py") if ".casefold()" in path.read_text()]
    assert folding == ["calendar.py"], "compare addresses by app.calendar.normalised"
