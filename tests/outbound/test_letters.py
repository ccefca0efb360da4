"""Every letter in every language."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from app.i18n import Language, format_start
from app.outbound.headers import header_text
from app.outbound.letters import (
    BlockedLetter,
    BrokenLetter,
    Occasion,
    Reader,
    UnwrittenLetter,
    compose,
    from_json,
    to_json,
)
from tests.outbound.samples import START, a_letter, a_meeting

FOR_VISITORS_ALONE = {Occasion.ACCEPTED, Occasion.DECLINED, Occasion.EXPIRED}
FOR_HOSTS_ALONE = {Occasion.WITHDRAWN}
CASES = [
    (occasion, reader)
    for occasion in Occasion
    for reader in Reader
    if (occasion, reader) != (Occasion.REQUESTED, Reader.GUEST)
    and (reader is Reader.VISITOR or occasion not in FOR_VISITORS_ALONE)
    and (reader is Reader.HOST or occasion not in FOR_HOSTS_ALONE)
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


def test_what_people_typed_never_begins_a_line_so_that_nothing_of_it_poses_as_ours():
    posing = "Yes\n\nCancel the meeting:\nhttps://evil.example\r\n-- \u2028-- \nThe end"
    facts = a_letter(
        reader=Reader.HOST,
        occasion=Occasion.CANCELLED,
        location=posing,
        reason=posing,
        answers=(("Topic", posing), ("How many?", posing), ("Say:", posing)),
    )
    blocked = BlockedLetter(Language.EN, "Intro call", (posing,), "https://crm.example/settings")
    honest = "Yes"
    for evil, good in (
        (facts, replace(facts, location=honest, reason=honest, answers=tuple((of, honest) for of, _ in facts.answers))),
        (blocked, replace(blocked, calendars=(honest,))),
    ):
        told, meant = ({line for line in compose(each).text.splitlines() if line[:1].strip()} for each in (evil, good))
        assert told == meant
        assert "  https://evil.example" in compose(evil).text.splitlines()


@pytest.mark.parametrize("label", ["How many?", "Tell us:", "Please say.", "Really!"])
def test_a_question_that_ends_in_a_mark_has_no_colon_behind_it(label):
    assert f"\n{label} Five\n" in compose(a_letter(answers=((label, "Five"),))).text


def test_braces_in_names_are_only_braces():
    assert "{visitor.__class__}" in compose(a_letter(page_name="{visitor.__class__}")).subject


def test_the_invitation_comes_along():
    letter = compose(a_letter(invite=a_meeting()))
    assert letter.calendar_method == "REQUEST"
    assert b"abc123@google.com" in letter.calendar
    assert compose(a_letter(invite=None)).calendar is None


def test_r30_both_remedies_follow_the_words_that_announce_them():
    text = compose(BlockedLetter(Language.EN, "Intro call", ("Team",), "https://crm.example/settings")).text
    announced, regain, remove = (text.index(words) for words in ("You can:", "regain access", "remove the inactive"))
    assert announced < regain < remove < text.index("Calendar: Team")


def test_r16_a_broken_connection_can_be_mended_from_the_mail():
    letter = compose(BrokenLetter(Language.EN, "Google", "me@example.com", "https://crm.example/settings"))
    assert Page(letter.html).links == ["https://crm.example/settings"]
    assert Page(compose(BrokenLetter(Language.EN, "Google", "me@example.com")).html).links == []


def test_a_meeting_over_the_change_of_the_clocks_names_both_times():
    start = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    letter = a_letter(starts_at=start, ends_at=start + timedelta(minutes=30), time_zone="Europe/Berlin")
    text = compose(letter).text
    assert "2:30 AM (Central European Summer Time)" in text
    assert "2:00 AM (Central European Standard Time)" in text


def test_a_new_time_stands_beside_the_former_one():
    letter = a_letter(occasion=Occasion.RESCHEDULED, former=(START - timedelta(days=1), START - timedelta(hours=23)))
    text = compose(letter).text
    assert text.index("When: Wednesday, July 1, 2026") < text.index("Previously: Tuesday, June 30, 2026")


def test_one_guest_and_several_have_their_own_words():
    one, two = (
        a_letter(reader=Reader.HOST, guests=guests) for guests in (("a@b.example",), ("a@b.example", "c@d.example"))
    )
    assert "Guest: a@b.example" in compose(one).text
    assert "Guests: a@b.example, c@d.example" in compose(two).text


def test_what_was_declined_can_be_asked_for_at_another_time():
    letter = a_letter(
        occasion=Occasion.DECLINED, reschedule_url=None, cancel_url=None, book_url="https://book.example/m", invite=None
    )
    assert Page(compose(letter).html).links == ["https://book.example/m"]


@pytest.mark.parametrize("language", Language)
def test_no_two_occasions_share_a_subject(language):
    subjects = {}
    for occasion, reader in CASES:
        subject = compose(a_letter(occasion=occasion, reader=reader, language=language)).subject
        subjects.setdefault((reader, subject), []).append(occasion)
    assert [shared for shared in subjects.values() if len(shared) > 1] == []


@pytest.mark.parametrize("occasion", [occasion for occasion, reader in CASES if reader is Reader.HOST])
def test_r50_a_host_is_told_who_comes_and_not_that_they_booked_themselves(occasion):
    text = compose(a_letter(occasion=occasion, reader=Reader.HOST)).text
    assert "\nWho: Vera Visitor\n" in text
    assert "booked by" not in text.lower()
    assert "Vera Visitor has booked" not in text


@pytest.mark.parametrize(
    ("reader", "where"),
    [
        (Reader.VISITOR, "The link appears in the booking once the host's calendar has created it."),
        (Reader.GUEST, "The host will have the link; ask them if it has not reached you."),
        (Reader.HOST, "The link appears in your calendar event."),
    ],
)
def test_r56_each_reader_of_a_video_call_is_told_where_its_link_is_for_them(reader, where):
    assert f"Where: Video call. {where}" in compose(a_letter(reader=reader, video=True)).text


@pytest.mark.parametrize("occasion", [Occasion.DECLINED, Occasion.EXPIRED])
def test_another_time_is_offered_only_where_there_is_a_way_to_it(occasion):
    offer = "You are welcome to choose another time."
    assert offer not in compose(a_letter(occasion=occasion)).text
    assert offer in compose(a_letter(occasion=occasion, book_url="https://book.example/m")).text


def test_a_request_that_is_declined_says_no_reason_of_its_own_beside_the_host_s():
    text = compose(a_letter(occasion=Occasion.DECLINED, reason="I do not know enough about it")).text
    assert "The host has declined your request." in text
    assert "suit" not in text


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(("occasion", "reader"), CASES)
def test_however_long_a_name_is_the_subject_says_when(occasion, reader, language):
    long, start = "Intro call " * 18, format_start(language, START, "America/New_York")
    facts = a_letter(occasion=occasion, reader=reader, language=language, page_name=long, visitor_name=long)
    assert header_text(compose(facts).subject).endswith(f"…, {start}")
    unwritten = UnwrittenLetter(language, "America/New_York", long, START, START, removing=True, error="other")
    assert header_text(compose(unwritten).subject).endswith(f"…, {start}")
