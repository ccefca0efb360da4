"""From rows to answers about connections. Pure.

The one rule: an answer never holds more of a connection than its schema has fields for.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from app.accounts.principal import Principal, Seat
from app.accounts.schemas import CapabilityStatus
from app.accounts.views import capability_view
from app.calendar import AccessRole, ProviderName
from app.connections import schemas
from app.connections.capabilities import Capability, CapabilityState, supported
from app.connections.credentials import Discovery
from app.connections.disclosures import Disclosure
from app.connections.eligibility import ineligible_reason
from app.connections.overview import Overview
from app.i18n import Language, has_text, translate
from app.models.connections import Calendar, CalendarSync, Connection, ConnectionAuthorization
from app.models.inboxes import Inbox
from app.providers.base import Features, Provider, SupportsOAuth
from app.providers.credentials import ConnectField, Credentials, SupportsCredentials


def capability_views(states: Sequence[CapabilityState], language: Language) -> list[CapabilityStatus]:
    """Every capability."""
    return [capability_view(state.capability, state.reason, language) for state in states]


def connect_fields_view(fields: Iterable[ConnectField], language: Language) -> list[schemas.ConnectField]:
    """What to ask the person for."""
    return [
        schemas.ConnectField(
            name=field.name,
            label=translate(language, f"connect_field.{field.name}.label"),
            help=translate(language, f"connect_field.{field.name}.help"),
            required=field.required,
            secret=field.secret,
        )
        for field in fields
    ]


def provider_view(provider: Provider, language: Language) -> schemas.ProviderInfo:
    """A provider of this deployment."""
    features = provider.features
    asked = provider.connect_fields if isinstance(provider, SupportsCredentials) else ()
    return schemas.ProviderInfo(
        provider=provider.name.value,
        connect_method="oauth" if isinstance(provider, SupportsOAuth) else "credentials",
        connect_fields=connect_fields_view(asked, language),
        capabilities=[item.value for item in Capability if supported(item, features)],
        max_availability_calendars=features.free_busy_targets_max,
    )


def disclosure_view(provider: ProviderName, text: Disclosure, language: Language) -> schemas.Disclosure:
    """What to read and accept."""
    return schemas.Disclosure(
        provider=provider.value,
        version=text.version,
        language=language.value,
        title=text.title,
        paragraphs=list(text.paragraphs),
        accept_label=text.accept_label,
    )


def authorization_view(
    row: ConnectionAuthorization, language: Language, *, authorization_url: str | None = None
) -> schemas.ConnectionAuthorization:
    """An attempt to connect."""
    return schemas.ConnectionAuthorization.model_validate(
        {
            "id": row.id,
            "provider": row.provider,
            "client": row.client,
            "status": row.status,
            "code": row.code,
            "detail": None if row.code is None else translate(language, f"problem.{row.code}.title"),
            "authorization_url": authorization_url,
            "connection_id": row.connection_id if row.status == "completed" else None,
            "expires_at": row.expires_at,
            "created_at": row.created_at,
        }
    )


def connection_view(
    row: Connection, overview: Overview, seats: tuple[Seat, ...], language: Language
) -> schemas.Connection:
    """A connection."""
    return schemas.Connection.model_validate(
        {
            "id": row.id,
            "provider": row.provider,
            "email": row.email,
            "status": row.status,
            "reason": row.reason,
            "reason_text": _why("reason", row.reason, language),
            "remedy": _why("remedy", row.reason, language),
            "purposes": row.purposes,
            "capabilities": capability_views(overview.of(row, seats), language),
            "allowed_actions": overview.actions(row),
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }
    )


def _why(kind: str, reason: str | None, language: Language) -> str | None:
    """A reason in words, or what helps; one that has no words of its own still wants the person."""
    key = f"{kind}.{reason}"
    return None if reason is None else translate(language, key if has_text(key) else f"{kind}.reauthorization_required")


def created_view(view: schemas.Connection, return_url: str) -> schemas.ConnectionCreated:
    """A connection that was just made, and where to go from here."""
    return schemas.ConnectionCreated.model_construct(**dict(view), return_url=return_url)


def credentials_of(body: schemas.ServerFields) -> Credentials:
    """What the person typed in, wrapped so that nothing shows it."""
    return Credentials(body.email, body.password, body.username, body.ews_url, body.version, body.certificate)


def discovery_view(
    found: Discovery, fields: Iterable[ConnectField], username: str, language: Language
) -> schemas.ExchangeDiscovery:
    """What is known of a server."""
    verified = found.verified
    return schemas.ExchangeDiscovery(
        verified=verified is not None,
        required_fields=connect_fields_view((field for field in fields if field.name in found.missing), language),
        username=None if verified is None else username,
        ews_url=None if verified is None else verified.url,
        version=None if verified is None else verified.version,
    )


def inbox_view(row: Inbox, caller: Principal) -> schemas.Inbox:
    """An inbox; a shared one is let go by a service only."""
    mine = caller.user_id is None or row.user_id == caller.user_id
    return schemas.Inbox.model_validate(
        {
            "id": row.id,
            "kind": row.kind,
            "email": row.email,
            "user_id": row.user_id,
            "connection_id": row.connection_id,
            "allowed_actions": ["disconnect"] if mine else [],
            "created_at": row.created_at,
        }
    )


def calendar_view(calendar: Calendar, connection: Connection, features: Features) -> schemas.Calendar:
    """A calendar, and whether it may be checked for conflicts."""
    reason = ineligible_reason(
        AccessRole(calendar.role),
        primary=calendar.is_primary,
        connection_active=connection.status == "active",
        additional_supported=features.additional_availability_calendars,
        inactive=calendar.inactive_reason is not None,
    )
    return schemas.Calendar.model_validate(
        {
            "id": calendar.id,
            "name": calendar.name,
            "time_zone": calendar.time_zone,
            "is_primary": calendar.is_primary,
            "access_role": calendar.role,
            "availability_calendar": calendar.checked,
            "eligible_for_availability": reason is None,
            "ineligible_reason": reason,
        }
    )


def sync_view(
    connection_id: UUID,
    rows: Sequence[tuple[Calendar, CalendarSync]],
    due: Mapping[UUID, datetime],
    *,
    now: datetime,
) -> schemas.ConnectionSync:
    """How true the mirrors are."""
    return schemas.ConnectionSync(
        connection_id=connection_id,
        calendars=[_sync_state(calendar, sync, due.get(calendar.id), now) for calendar, sync in rows],
    )


def _sync_state(
    calendar: Calendar, sync: CalendarSync, due_at: datetime | None, now: datetime
) -> schemas.CalendarSyncState:
    last = sync.last_succeeded_at
    return schemas.CalendarSyncState.model_validate(
        {
            "calendar_id": calendar.id,
            "name": calendar.name,
            "state": sync.state,
            "lag_seconds": None if last is None else max(0, int((now - last).total_seconds())),
            "pending_changes": sync.synced_seq < sync.dirty_seq,
            "last_run_at": sync.last_started_at,
            "last_success_at": last,
            "next_run_at": due_at,
            "channel_expires_at": sync.watched_until,
            "last_error": sync.last_error,
            "consecutive_failures": sync.failures,
        }
    )
