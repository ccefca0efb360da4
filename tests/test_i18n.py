"""The catalogues, the choice of a language, dates in words, and the disclosures."""

import hashlib
import re
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo, available_timezones

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

import app.i18n
from app.calendar import ProviderName
from app.connections.capabilities import Reason
from app.connections.disclosures import disclosure_text
from app.connections.eligibility import InactiveReason, IneligibleReason
from app.crm.views import Unchangeable
from app.errors import AppError
from app.i18n import Language, format_day, format_start, format_when, negotiate, translate, translate_count
from app.routers.problems import _FIELD_CODES

LOCALES = Path(app.i18n.__file__).parent / "locales"
OTHERS = [language for language in Language if language is not Language.EN]
CODES = re.findall(
    r"\w+",
    """
    malformed_request invalid_cursor authorization_state_invalid unauthenticated token_expired booking_token_invalid
    forbidden personal_email_access_required entitlement_required not_found page_turned_off no_default_page
    method_not_allowed connection_limit_reached inbox_is_shared already_connected calendar_not_connected
    capability_not_supported slot_unavailable booking_unavailable slug_taken default_page_in_use domain_in_use
    already_cancelled already_processed primary_calendar_required request_in_progress hold_expired
    booking_not_begun domain_exists chat_page_in_use
    webhook_endpoint_limit_reached domain_limit_reached contact_exists events_expired version_mismatch
    payload_too_large unsupported_media_type validation_failed disclosure_not_accepted exchange_credentials_invalid
    exchange_app_password_required exchange_version_unsupported exchange_url_required calendar_not_eligible
    time_zone_unknown outside_booking_window idempotency_key_reused consent_required domain_not_connected
    return_url_not_allowed account_mismatch consent_denied scopes_missing admin_consent_required
    exchange_online_mailbox office365_mailbox_missing certificate_untrusted address_not_allowed cutoff_passed
    rate_limited overloaded internal_error
    provider_error provider_unavailable provider_timeout
""",
)
# The same word in both languages, rightly.
EQUAL_TO_ENGLISH = {
    (Language.IT, "connect_field.email.label"),
    (Language.IT, "connect_field.password.label"),
    (Language.IT, "mail.answer.false"),
    (Language.IT, "mail.label.account"),
    (Language.IT, "mail.label.email"),
}
URL = re.compile(r"https://[^\s]+[^\s.,]")


def read(language: Language) -> dict[str, Message]:
    """Every message of a language by its key, straight from the files."""
    messages: dict[str, Message] = {}
    for path in sorted((LOCALES / language / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            catalogue: Catalog = read_po(file, locale=language.value, abort_invalid=True)
        for message in catalogue:
            if message.id:
                key = message.id[0] if message.pluralizable else message.id
                assert key not in messages, f"{path} has {key} again"
                messages[key] = message
    return messages


CATALOGUES = {language: read(language) for language in Language}


def forms(message: Message) -> list[str]:
    return list(message.string) if message.pluralizable else [message.string]


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_keys_of_english_and_no_others(language):
    assert CATALOGUES[language].keys() == CATALOGUES[Language.EN].keys()


@pytest.mark.parametrize("language", Language)
def test_no_text_is_empty_uncertain_or_its_own_key(language):
    for key, message in CATALOGUES[language].items():
        assert not message.fuzzy, key
        for text in forms(message):
            assert text.strip() == text, key
            assert text, key
            assert key not in text


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_places_and_addresses_of_the_english_text(language):
    for key, message in CATALOGUES[language].items():
        english = CATALOGUES[Language.EN][key]
        expected = set().union(*map(places, forms(english)))
        for text in forms(message):
            assert places(text) == expected, key
            assert URL.findall(text) == URL.findall(forms(english)[0]), key


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_left_in_english(language):
    english = CATALOGUES[Language.EN]
    same = {
        (language, key)
        for key, message in CATALOGUES[language].items()
        if forms(message) == forms(english[key])
        and any(letter.isalpha() for letter in re.sub(r"{.*?}", "", str(message.string)))
    }
    assert same == {entry for entry in EQUAL_TO_ENGLISH if entry[0] is language}


@pytest.mark.parametrize("language", Language)
def test_every_language_has_all_its_plural_forms(language):
    plural = [message for message in CATALOGUES[language].values() if message.pluralizable]
    assert plural
    assert {len(message.string) for message in plural} == {3 if language is Language.PL else 2}


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("code", CODES)
def test_every_problem_code_of_the_contract_has_a_title_and_a_detail(code, language):
    assert translate(language, f"problem.{code}.title")
    assert not places(CATALOGUES[language][f"problem.{code}.detail"].string), "a plain detail needs no values"


def _errors(kind: type[AppError] = AppError) -> set[type[AppError]]:
    return {kind}.union(*map(_errors, kind.__subclasses__()))


def test_every_error_of_the_service_has_a_text():
    assert {error.code for error in _errors()} <= set(CODES)


def test_every_variant_of_a_detail_that_the_code_names_has_a_text():
    sources = (path.read_text() for path in Path(app.i18n.__file__).parent.rglob("*.py"))
    raised = set(re.findall(r"raise (\w+)\(\s*detail=\"(\w+)\"", "\n".join(sources)))
    codes = {error.__name__: error.code for error in _errors()}
    assert len(raised) > 10
    missing = [
        (name, detail) for name, detail in raised if f"problem.{codes[name]}.detail.{detail}" not in CATALOGUES["en"]
    ]
    assert missing == []


@pytest.mark.parametrize("reason", [*Reason, *IneligibleReason, *InactiveReason])
def test_every_reason_has_a_text_and_a_remedy(reason):
    assert translate(Language.EN, f"reason.{reason}") != translate(Language.EN, f"remedy.{reason}")


@pytest.mark.parametrize("reason", [*Reason, *Unchangeable])
def test_a_refused_capability_says_why(reason):
    assert translate(Language.EN, f"problem.capability_not_supported.detail.{reason}")


@pytest.mark.parametrize("reason", IneligibleReason)
def test_a_calendar_that_is_not_eligible_says_why(reason):
    assert translate(Language.EN, f"problem.calendar_not_eligible.detail.{reason}")


@pytest.mark.parametrize(
    "code", sorted({*_FIELD_CODES.values(), "required", "invalid", "invalid_email", "invalid_url"})
)
def test_every_field_error_has_a_text(code):
    assert translate(Language.EN, f"field.{code}", limit=3)


@pytest.mark.parametrize("language", Language)
def test_nobody_is_told_to_read_a_header_or_a_member_of_an_answer(language):
    told = [(key, text) for key, message in CATALOGUES[language].items() for text in forms(message)]
    assert [key for key, text in told if "Retry-After" in text or re.search(r"\W\berrors\b\W", text)] == []


def test_places_are_filled_and_what_fills_them_is_not_read_again():
    text = translate(Language.DE, "problem.provider_error.detail.no_primary_calendar", email="{email!r}")
    assert "{email!r}" in text


def test_a_key_that_english_lacks_is_a_mistake():
    with pytest.raises(KeyError):
        translate(Language.PL, "problem.never_heard_of.title")
    with pytest.raises(KeyError):
        translate_count(Language.PL, "never.heard.of", 2)


def test_english_prevails_where_a_translation_is_missing(monkeypatch):
    swedish = app.i18n.catalogue(Language.SV)
    english = translate(Language.EN, "problem.not_found.title")
    assert translate(Language.SV, "problem.not_found.title") != english
    monkeypatch.delitem(swedish._catalog, "problem.not_found.title")
    assert translate(Language.SV, "problem.not_found.title") == english


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("sv", "sv"),
        ("sv-SE", "sv"),
        ("SV-se", "sv"),
        ("sv_SE", "sv"),
        ("de-CH-1996, de;q=0.9", "de"),
        ("fr, it;q=0.5", "it"),
        ("en;q=0.1, pl;q=0.9", "pl"),
        ("en;q=0.5, de;q=0.5", "en"),
        ("de;q=0.5,en;q=0.5", "de"),
        ("sv;q=0, de;q=0.1", "de"),
        ("sv;q=0", "en"),
        ("*", "en"),
        ("en;q=0, *;q=0.5", "sv"),
        ("pl;q=0.2, *;q=0.8", "en"),
        ("pl;q=0.8, *;q=0.2", "pl"),
        ("it ; q=0.7 , pl ; q=0.6", "it"),
        ("it;q=1.5, pl;q=0.1", "pl"),
        ("it;q=nan, pl;q=0.1", "pl"),
        ("it;level=1, pl;q=0.1", "pl"),
        (";;,,=;q", "en"),
        ("english", "en"),
    ],
)
def test_the_language_is_negotiated_by_rfc_9110(header, language):
    assert negotiate(header) is Language(language)


def test_what_the_token_says_is_the_default_and_the_header_decides():
    assert negotiate(None, Language.IT) is Language.IT
    assert negotiate("fr", Language.IT) is Language.IT
    assert negotiate("*", Language.IT) is Language.IT
    assert negotiate("pl", Language.IT) is Language.PL


@given(st.text(max_size=200))
def test_no_header_breaks_the_negotiation(header):
    assert negotiate(header) in Language


def when(language: Language, start: str, minutes: int, zone: str = "Europe/Stockholm") -> str:
    begins = datetime.fromisoformat(start)
    return format_when(language, begins, begins + timedelta(minutes=minutes), zone)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "Monday, March 2, 2026, 10:00 – 10:30 AM (Central European Standard Time)"),  # noqa: RUF001
        ("sv", "måndag 2 mars 2026, 10:00–10:30 (centraleuropeisk normaltid)"),  # noqa: RUF001
        ("de", "Montag, 2. März 2026, 10:00–10:30 Uhr (Mitteleuropäische Normalzeit)"),  # noqa: RUF001
        ("it", "lunedì 2 marzo 2026, 10:00–10:30 (Ora standard dell’Europa centrale)"),  # noqa: RUF001
        ("pl", "poniedziałek, 2 marca 2026, 10:00–10:30 (czas środkowoeuropejski standardowy)"),  # noqa: RUF001
    ],
)
def test_a_span_is_told_in_the_words_of_each_language(language, expected):
    assert when(Language(language), "2026-03-02T09:00:00+00:00", 30) == expected


def test_summer_time_is_named_as_such():
    assert when(Language.EN, "2026-03-30T08:00:00+00:00", 30) == (
        "Monday, March 30, 2026, 10:00 – 10:30 AM (Central European Summer Time)"  # noqa: RUF001
    )


def test_the_name_of_a_zone_never_stands_for_two_offsets():
    offsets: dict[str, set[timedelta | None]] = {}
    for zone, month in product(available_timezones() - {"localtime", "Factory"}, (1, 7)):
        start = datetime(2026, month, 2, 9, tzinfo=UTC)
        told = format_when(Language.EN, start, start + timedelta(minutes=30), zone)
        offsets.setdefault(told.partition(" (")[2], set()).add(start.astimezone(ZoneInfo(zone)).utcoffset())
    assert [name for name, found in offsets.items() if len(found) > 1] == []


def test_irish_summer_time_is_named_as_such_although_its_winter_is_what_the_zone_data_call_saving():
    assert when(Language.EN, "2026-07-02T09:00:00+00:00", 30, "Europe/Dublin").endswith("(Irish Standard Time)")
    assert when(Language.EN, "2026-01-02T09:00:00+00:00", 30, "Europe/Dublin").endswith("(Greenwich Mean Time)")


def test_a_span_over_the_change_of_the_clocks_names_both_times():
    assert when(Language.EN, "2026-10-25T00:30:00+00:00", 60) == (
        "Sunday, October 25, 2026, 2:30 AM (Central European Summer Time)"
        " – Sunday, October 25, 2026, 2:30 AM (Central European Standard Time)"  # noqa: RUF001
    )


def test_german_says_uhr_wherever_it_tells_the_time():
    told = when(Language.DE, "2026-08-03T21:45:00+00:00", 30, "Europe/Berlin")
    assert told == (
        "Montag, 3. August 2026, 23:45 Uhr – Dienstag, 4. August 2026, 00:15 Uhr (Mitteleuropäische Sommerzeit)"  # noqa: RUF001
    )
    assert when(Language.DE, "2026-10-25T00:30:00+00:00", 60).count(" Uhr (") == 2


def test_a_span_over_midnight_names_both_days():
    assert when(Language.SV, "2026-03-02T22:30:00+00:00", 60) == (
        "måndag 2 mars 2026, 23:30 – tisdag 3 mars 2026, 00:30 (centraleuropeisk normaltid)"  # noqa: RUF001
    )


def test_a_zone_without_a_name_is_told_by_its_city_and_offset():
    assert when(Language.DE, "2026-03-02T09:00:00+00:00", 30, "Asia/Kolkata").endswith("(Kolkata, GMT+05:30)")
    assert when(Language.DE, "2026-03-02T09:00:00+00:00", 30, "Etc/GMT+5").endswith("(GMT-05:00)")


@pytest.mark.parametrize("language", Language)
def test_every_zone_can_be_told(language):
    for zone in available_timezones() - {"localtime", "Factory"}:
        told = when(language, "2026-07-02T09:00:00+00:00", 30, zone)
        assert told.isprintable()
        local = datetime(2026, 7, 2, 9, tzinfo=UTC).astimezone(ZoneInfo(zone))
        assert str(local.day) in told


def test_a_day_and_a_start_are_told_in_words():
    assert format_day(Language.PL, date(2026, 3, 2)) == "poniedziałek, 2 marca 2026"
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert format_start(Language.EN, start, "America/New_York") == "Mon, Mar 2, 4:00 AM"
    assert format_start(Language.IT, start, "Europe/Rome") == "lun 2 mar, 10:00"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("synced", [True, False])
@pytest.mark.parametrize("provider", ProviderName)
def test_r5_every_provider_has_a_disclosure_in_every_language(provider, synced, language):
    disclosure = disclosure_text(provider, language, two_way_sync=synced)
    assert disclosure.title
    assert disclosure.accept_label
    assert len(disclosure.paragraphs) == len(disclosure_text(provider, Language.EN, two_way_sync=synced).paragraphs)


def test_r5_google_s_disclosure_says_what_is_read_and_written():
    said = " ".join(disclosure_text(ProviderName.GOOGLE, Language.EN, two_way_sync=True).paragraphs)
    for promise in (
        "read this calendar and every other calendar that you can reach through Google",
        "the meetings tool works and events can be tied to contacts",
        "create and change calendars",
        "update single events",
        "sign in to the one whose calendar you want to connect",  # R6
    ):
        assert promise in said


def test_r24_exchange_s_disclosure_says_what_to_expect():
    said = " ".join(disclosure_text(ProviderName.EXCHANGE, Language.EN, two_way_sync=False).paragraphs)
    for limit in (
        "people can book you from your scheduling pages, and events in your calendar block",
        "cannot be cancelled or rescheduled",
        "created on records in the CRM are not added",
        "do not reach the CRM",
        "Proposed times cannot be inserted",
        "app password",  # R13
    ):
        assert limit in said


def test_r24_where_the_limits_of_exchange_are_lifted_its_disclosure_names_none():
    said = " ".join(disclosure_text(ProviderName.EXCHANGE, Language.EN, two_way_sync=True).paragraphs)
    assert "do not reach the CRM" not in said
    for promise in (
        "create, change and delete events",
        "events with contacts of the CRM appear in the CRM",
        "app password",
    ):
        assert promise in said


# Who changes a disclosure gives it a new version in `app/connections/disclosures.py`, and its new digest here.
ACCEPTED_TEXTS = {
    (ProviderName.GOOGLE, "2026-11-01"): "cecc269a5a522900",
    (ProviderName.OFFICE365, "2026-11-01"): "59074e036c0a1abe",
    (ProviderName.EXCHANGE, "2026-11-23"): "53f5bf75317ba9b7",
    (ProviderName.EXCHANGE, "2026-11-23-synced"): "3ea774b966bb4115",
}


@pytest.mark.parametrize("synced", [True, False])
@pytest.mark.parametrize("provider", ProviderName)
def test_r5_a_version_of_a_disclosure_always_says_the_same(provider, synced):
    texts = [disclosure_text(provider, language, two_way_sync=synced) for language in Language]
    assert len({text.version for text in texts}) == 1
    digest = hashlib.sha256(repr([(text.title, text.paragraphs, text.accept_label) for text in texts]).encode())
    assert digest.hexdigest()[:16] == ACCEPTED_TEXTS[provider, texts[0].version]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", ["email", "password", "username", "ews_url", "version"])
def test_r13_every_field_of_exchange_has_a_label_and_help(name, language):
    assert translate(language, f"connect_field.{name}.label")
    assert translate(language, f"connect_field.{name}.help")


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    "key",
    ["connect_field.password.help", "problem.exchange_app_password_required.detail", "disclosure.exchange.points.6"],
)
def test_r13_app_passwords_are_explained_with_the_vendor_s_instructions(key, language):
    assert "https://support.microsoft.com/" in translate(language, key)


def test_numbers_take_the_form_their_language_wants():
    labels = {count: translate_count(Language.PL, "mail.label.guests", count) for count in (1, 2, 5, 22)}
    assert labels[1] != labels[2]
    assert translate_count(Language.EN, "mail.label.guests", 1) == "Guest"
    assert translate_count(Language.EN, "mail.label.guests", 0) == "Guests"
