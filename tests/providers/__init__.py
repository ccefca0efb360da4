"""Adapters, each against its simulator, scripted answers, and a server that somebody else might have written."""

import pytest

_PARTS = ("calendars", "following", "people", "reading", "setting", "writing")
pytest.register_assert_rewrite("tests.providers.follower", *(f"tests.providers.contract_{part}" for part in _PARTS))
