"""The command that compares openapi.json with the one before."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from contract import breaking


def document(version: str = "1.0.0", **paths: Any) -> str:
    operations = {f"/{name}": {"get": {"operationId": name, "responses": {}}} for name in paths}
    return json.dumps({"openapi": "3.1.0", "info": {"title": "T", "version": version}, "paths": operations})


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of its own, which the command takes for the project's."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(breaking, "ROOT", tmp_path)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    return tmp_path


def git(repository: Path, *arguments: str) -> None:
    named = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    command = ["git", *named, *arguments]
    subprocess.run(command, cwd=repository, check=True, capture_output=True)  # noqa: S603 - our own words


def commit(repository: Path, text: str) -> None:
    (repository / "openapi.json").write_text(text)
    git(repository, "add", "openapi.json")
    git(repository, "commit", "--quiet", "--message", "A change")


def run(repository: Path, *arguments: str) -> int:
    return breaking.main(["--document", str(repository / "openapi.json"), *arguments])


def test_an_uncommitted_change_is_compared_with_the_commit(repository: Path, capsys: pytest.CaptureFixture) -> None:
    commit(repository, document(one=1, two=2))
    (repository / "openapi.json").write_text(document(one=1))

    assert run(repository) == 1
    assert "GET /two: the operation is gone" in capsys.readouterr().out


def test_a_committed_change_is_compared_with_the_commit_before_it(repository: Path) -> None:
    commit(repository, document(one=1, two=2))
    commit(repository, document(one=1))
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "Something else")

    assert run(repository) == 1


def test_a_branch_is_compared_with_what_it_lands_on(repository: Path) -> None:
    commit(repository, document(one=1, two=2))
    git(repository, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(repository, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    commit(repository, document(one=1))
    commit(repository, document(one=1, three=3))

    assert run(repository) == 1


def test_a_change_that_breaks_nobody_passes(repository: Path) -> None:
    commit(repository, document(one=1))
    commit(repository, document(one=1, two=2))

    assert run(repository) == 0


def test_a_new_major_version_may_break(repository: Path, capsys: pytest.CaptureFixture) -> None:
    commit(repository, document(one=1, two=2))
    commit(repository, document("2.0.0", one=1))

    assert run(repository) == 0
    assert "GET /two" in capsys.readouterr().out


@pytest.mark.parametrize("commits", [0, 1])
def test_the_first_document_has_nothing_to_compare_with(repository: Path, commits: int) -> None:
    (repository / "openapi.json").write_text(document(one=1))
    if commits:
        commit(repository, document(one=1))

    assert run(repository) == 0


def test_a_directory_that_is_no_repository_has_nothing_to_compare_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaking, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "openapi.json").write_text(document(one=1))

    assert run(tmp_path) == 0


def test_a_file_or_a_commit_can_be_named(repository: Path, tmp_path: Path) -> None:
    commit(repository, document(one=1, two=2))
    git(repository, "tag", "released")
    commit(repository, document(one=1))
    other = tmp_path / "other.json"
    other.write_text(document(one=1))

    assert run(repository, "--against", "released") == 1
    assert run(repository, "--against", str(other)) == 0
    with pytest.raises(SystemExit, match="neither a file nor a commit"):
        run(repository, "--against", "nothing-of-that-name")


def test_the_committed_document_breaks_nobody() -> None:
    assert breaking.main([]) == 0
