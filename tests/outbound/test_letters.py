"""Every letter in every language."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from app.i18n import Language
from app.outbound.letters import BlockedLetter, BrokenLetter, Occasion, Reader, compose, from_json, to_json
from tests.outbound.samples import START, a_letter, a_meeting

LOCALES = Path("app/locales")
CASES = [
    (occasion, reader)
    for occasion in Occasion
    for reader in Reader
    if (occasion, reader) != (Occasion.REQUESTED, Reader.GUEST)
]


class Page(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.links = set(), []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in {"href", "src"}]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(("occasion", "reader"), CASES)
def test_every_letter_reads_well_in_every_language(occasion, reader, language):
    content = a_letter(occasion=occasion, reader=reader, language=language, answers=(("Topic", "Prices"),))
    letter = compose(from_json(json.loads(json.dumps(to_json(content)))))
    english = compose(replace(content, language=Language.EN))
    for text in (letter.subject, letter.text, letter.html):
        assert text
        assert "{" not in text
        assert "mail." not in text
    assert language is Language.EN or letter.subject != english.subject
    assert ("Intro call" if reader is not Reader.HOST else "Vera Visitor") in letter.subject
    assert "Prices" in letter.text
    assert f'lang="{language}"' in letter.html


@pytest.mark.parametrize("language", Language)
def test_letters_to_hosts_about_calendars(language):
    blocked = BlockedLetter(language, "Intro call", ("Team", "Private"), "https://crm.example/settings")
    letter = compose(from_json(json.loads(json.dumps(to_json(blocked)))))
    for part in ("Intro call", "Team", "Private", "https://crm.example/settings"):
        assert part in letter.text
        assert part in letter.html
    broken = compose(BrokenLetter(language, "Google", "me@example.com"))
    assert "me@example.com" in broken.subject
    assert "Google" in broken.text


def test_facts_survive_being_stored():
    content = a_letter(former=(START, START), guests=("a@example.com",), reason="Ill")
    assert from_json(json.loads(json.dumps(to_json(content)))) == content


def test_the_time_is_the_readers():
    assert "3:00" in compose(a_letter()).text
    assert "09:00" in compose(a_letter(language=Language.SV, time_zone="Europe/Stockholm")).text


def test_what_people_typed_is_no_markup():
    evil = '<img src="https://evil.example/x">'
    letter = compose(a_letter(visitor_name=evil, page_name=evil, host_name=evil, answers=((evil, evil),), reason=evil))
    page = Page(letter.html)
    assert "img" not in page.tags
    assert all(link.startswith("https://book.example/") for link in page.links)


def test_braces_in_names_are_only_braces():
    assert "{visitor.__class__}" in compose(a_letter(page_name="{visitor.__class__}")).subject


def test_the_invitation_comes_along():
    letter = compose(a_letter(invite=a_meeting()))
    assert letter.calendar_method == "REQUEST"
    assert b"abc123@google.com" in letter.calendar
    assert compose(a_letter(invite=None)).calendar is None


def test_the_catalogues_have_the_same_keys_and_places():
    def read(language):
        with (LOCALES / language / "LC_MESSAGES" / "mail.po").open("rb") as file:
            return {entry.id: entry.string for entry in read_po(file) if entry.id}

    def places(text):
        return {piece.partition("}")[0] for piece in text.split("{")[1:]}

    english = read(Language.EN)
    for language in Language:
        other = read(language)
        assert other.keys() == english.keys()
        for key, text in other.items():
            assert text
            assert places(text) == places(english[key]), (language, key)
