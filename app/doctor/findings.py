"""What an examination can find, and what to do about each. Pure.

The one rule: a finding is told by a stable code and by what was seen, never by a secret; docs/doctor.md has an entry
for each code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """Every finding there is."""

    SETTING_MISSING = "setting_missing"
    SETTING_UNREADABLE = "setting_unreadable"
    SETTING_NOT_READ = "setting_not_read"
    SETTING_NOT_HTTPS = "setting_not_https"
    SETTING_NOT_AN_ADDRESS = "setting_not_an_address"
    SETTING_POINTS_HERE = "setting_points_here"
    SECRET_WEAK = "secret_weak"  # noqa: S105 - a code
    SECRET_REUSED = "secret_reused"  # noqa: S105 - a code
    ALLOWED_HOSTS_TOO_WIDE = "allowed_hosts_too_wide"
    PROXIES_UNCOUNTED = "proxies_uncounted"
    NO_PROVIDER = "no_provider"
    PROVIDER_SECRET_MISSING = "provider_secret_missing"  # noqa: S105 - a code
    MAIL_PASSWORD_IN_CLEAR = "mail_password_in_clear"  # noqa: S105 - a code

    DATABASE_UNREACHABLE = "database_unreachable"
    DATABASE_REFUSED = "database_refused"
    DATABASE_TOO_OLD = "database_too_old"
    DATABASE_NOT_ENCRYPTED = "database_not_encrypted"
    DATABASE_CONNECTIONS_SHORT = "database_connections_short"

    ROLE_MISSING = "role_missing"
    ROLE_EXEMPT = "role_exempt"
    LOGIN_TOO_POWERFUL = "login_too_powerful"
    LOGIN_OWNS_TABLES = "login_owns_tables"

    MIGRATIONS_MISSING = "migrations_missing"
    MIGRATIONS_BEHIND = "migrations_behind"
    MIGRATIONS_UNKNOWN = "migrations_unknown"

    WORKER_SILENT = "worker_silent"
    QUEUE_OLD = "queue_old"
    QUEUE_ABANDONED = "queue_abandoned"
    QUEUE_FAILING = "queue_failing"
    WORK_OVERDUE = "work_overdue"

    KEYS_UNREADABLE = "keys_unreadable"
    KEYS_NOT_ROTATED = "keys_not_rotated"

    ISSUER_UNREACHABLE = "issuer_unreachable"
    ISSUER_KEYS_UNREADABLE = "issuer_keys_unreadable"
    ISSUER_KEYS_UNUSABLE = "issuer_keys_unusable"
    ISSUER_MISMATCH = "issuer_mismatch"

    PROVIDER_CLIENT_REFUSED = "provider_client_refused"
    PROVIDER_REDIRECT_REFUSED = "provider_redirect_refused"
    PROVIDER_UNREACHABLE = "provider_unreachable"
    PROVIDER_ANSWER_ODD = "provider_answer_odd"

    CLOCK_DRIFTS = "clock_drifts"

    PUBLIC_URL_NOT_OURS = "public_url_not_ours"
    API_NOT_READY = "api_not_ready"
    CALLBACK_NOT_OURS = "callback_not_ours"
    PUSH_URL_NOT_OURS = "push_url_not_ours"
    PUSH_URL_PRIVATE = "push_url_private"

    NAME_UNRESOLVED = "name_unresolved"
    RESOLVER_SILENT = "resolver_silent"

    MAIL_UNREACHABLE = "mail_unreachable"
    MAIL_TLS_FAILED = "mail_tls_failed"
    MAIL_LOGIN_REFUSED = "mail_login_refused"
    MAIL_SENDER_REFUSED = "mail_sender_refused"
    MAIL_NOT_ENCRYPTED = "mail_not_encrypted"
    MAIL_TEST_REFUSED = "mail_test_refused"

    CHECK_TIMED_OUT = "check_timed_out"
    CHECK_FAILED = "check_failed"


class Severity(StrEnum):
    """How much it matters."""

    ERROR = "error"
    """Something does not work, or is not safe."""
    WARNING = "warning"
    """It works, and somebody should have decided that it is to be like that."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    code: Code
    detail: str
    """What was seen: names, hosts and numbers."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one check saw."""

    facts: str
    """In a line, for whoever reads."""
    findings: tuple[Finding, ...] = ()


WARNINGS: Final = frozenset(
    {
        Code.SETTING_NOT_READ,
        Code.PROXIES_UNCOUNTED,
        Code.NO_PROVIDER,
        Code.DATABASE_NOT_ENCRYPTED,
        Code.LOGIN_OWNS_TABLES,
        Code.QUEUE_FAILING,
        Code.KEYS_NOT_ROTATED,
        Code.PROVIDER_ANSWER_ODD,
        Code.MAIL_NOT_ENCRYPTED,
        Code.CHECK_TIMED_OUT,
    }
)


def severity(code: Code) -> Severity:
    """How much a finding matters."""
    return Severity.WARNING if code in WARNINGS else Severity.ERROR


ADVICE: Final[Mapping[Code, str]] = {
    Code.SETTING_MISSING: "Set it; .env.example says what it is.",
    Code.SETTING_UNREADABLE: "Write it as .env.example shows; lists and maps are JSON.",
    Code.SETTING_NOT_READ: "Write its whole name, as in .env.example, or take it away: nobody reads it like this.",
    Code.SETTING_NOT_HTTPS: "Use https: tokens, codes and people's addresses travel there.",
    Code.SETTING_NOT_AN_ADDRESS: "Write a whole address, without query and fragment; MAIL_FROM is a mailbox.",
    Code.SETTING_POINTS_HERE: "Name the real server; this one is of this machine, as in the sandbox.",
    Code.SECRET_WEAK: "Make a random one; .env.example has the command.",
    Code.SECRET_REUSED: "Give each purpose a key of its own.",
    Code.ALLOWED_HOSTS_TOO_WIDE: "Name single hosts or networks; never this machine or the cloud's metadata server.",
    Code.PROXIES_UNCOUNTED: "Set TRUSTED_PROXIES to how many proxies stand before the API, or all visitors are one.",
    Code.NO_PROVIDER: "Set a client of Google or Microsoft, or EXCHANGE_OFFERED=true: nobody can connect a calendar.",
    Code.PROVIDER_SECRET_MISSING: "Set the client's secret as well.",
    Code.MAIL_PASSWORD_IN_CLEAR: "Leave SMTP_START_TLS unset, or set it to true.",
    Code.DATABASE_UNREACHABLE: "Is it up, and may this host reach it (address, port, firewall, network policy)?",
    Code.DATABASE_REFUSED: "Correct login, password or database in DATABASE_URL; docs/running.md has the roles.",
    Code.DATABASE_TOO_OLD: "Upgrade to PostgreSQL 15 or later.",
    Code.DATABASE_NOT_ENCRYPTED: "Add sslmode and sslrootcert to DATABASE_URL (docs/running.md), or accept it.",
    Code.DATABASE_CONNECTIONS_SHORT: "Raise max_connections, or lower DATABASE_POOL_SIZE or the number of processes.",
    Code.ROLE_MISSING: "Run migrate, and GRANT calendar_app to the login (docs/running.md).",
    Code.ROLE_EXEMPT: "ALTER ROLE calendar_app NOSUPERUSER NOBYPASSRLS, and give its tables to the owner.",
    Code.LOGIN_TOO_POWERFUL: "Use calendar_service of docs/running.md: this login can pass by row-level security.",
    Code.LOGIN_OWNS_TABLES: "Give serve and worker a login that owns nothing; keep this one for migrate.",
    Code.MIGRATIONS_MISSING: "Run calendar-connect migrate.",
    Code.MIGRATIONS_BEHIND: "Run calendar-connect migrate, then start API and workers.",
    Code.MIGRATIONS_UNKNOWN: "A newer release has migrated this database: run that release.",
    Code.WORKER_SILENT: "Start calendar-connect worker: without one no calendar is synced, written or mailed about.",
    Code.QUEUE_OLD: "Start more workers; docs/operations.md, CalendarConnectQueueOld.",
    Code.QUEUE_ABANDONED: "Start a worker: it takes up what dead ones left.",
    Code.QUEUE_FAILING: "Look for job.failed in the workers' logs; docs/operations.md, CalendarConnectJobsFail.",
    Code.WORK_OVERDUE: "Are workers up, with processor left? docs/operations.md, CalendarConnectOverdue.",
    Code.KEYS_UNREADABLE: "Put the missing version back into MASTER_KEYS; docs/operations.md, Lost keys.",
    Code.KEYS_NOT_ROTATED: "Run calendar-connect rotate-keys before the old version is removed.",
    Code.ISSUER_UNREACHABLE: "Correct JWKS_URL, or let this host reach it: no caller can be known.",
    Code.ISSUER_KEYS_UNREADABLE: 'JWKS_URL has to answer a JWKS: {"keys": [...]}.',
    Code.ISSUER_KEYS_UNUSABLE: "Publish a key for RS256 (2,048 bits), ES256 or EdDSA: no other algorithm is taken.",
    Code.ISSUER_MISMATCH: "Set ISSUER and JWKS_URL to what the issuer says of itself, to the letter.",
    Code.PROVIDER_CLIENT_REFUSED: "Correct the client's id and secret; Microsoft's secrets expire.",
    Code.PROVIDER_REDIRECT_REFUSED: "Register the redirect URI shown at the provider, to the letter.",
    Code.PROVIDER_UNREACHABLE: "Let this host reach the provider on 443, or look at the provider's status page.",
    Code.PROVIDER_ANSWER_ODD: "Does a proxy answer in the provider's place? Else see its status page.",
    Code.CLOCK_DRIFTS: "Run NTP on both; tokens, signatures and reminders go by the clock.",
    Code.PUBLIC_URL_NOT_OURS: "PUBLIC_URL has to lead to the API: proxy, certificate, path.",
    Code.API_NOT_READY: "The API runs and its database does not answer, or is not migrated.",
    Code.CALLBACK_NOT_OURS: "Let the proxy pass /v1/oauth/ to the API as it is.",
    Code.PUSH_URL_NOT_OURS: "Let the proxy pass POST /v1/provider-notifications/ to the API, or unset PUSH_URL.",
    Code.PUSH_URL_PRIVATE: "Publish it, or unset PUSH_URL: then calendars are polled.",
    Code.NAME_UNRESOLVED: "Correct the name, or the resolver of this host.",
    Code.RESOLVER_SILENT: "Correct DNS_RESOLVERS, or let this host reach it (port 53, UDP and TCP).",
    Code.MAIL_UNREACHABLE: "Correct SMTP_HOST and SMTP_PORT, or let this host reach it; clouds close port 25.",
    Code.MAIL_TLS_FAILED: "No TLS or no sign-in is offered where it is needed, or the certificate is not good.",
    Code.MAIL_LOGIN_REFUSED: "Correct SMTP_USERNAME and SMTP_PASSWORD.",
    Code.MAIL_SENDER_REFUSED: "Let the mail server accept MAIL_FROM, or set one that it accepts.",
    Code.MAIL_NOT_ENCRYPTED: "Use a server with STARTTLS; accept it for a relay on a network of your own.",
    Code.MAIL_TEST_REFUSED: "The server refused the mail itself: see the code, and its log.",
    Code.CHECK_TIMED_OUT: "What is asked did not answer in time: look at its health, and at what lies between.",
    Code.CHECK_FAILED: "The check itself failed: this is a fault of ours; tell us the detail.",
}
"""What to do."""
