"""Forms that are pre-filled with what their visitor has said before (R40).

    the CRM's form   submits answers, gets a visitor token, gives it to the visitor's browser
    the page's form  shows the token, on a custom domain only, gets the answers to its own questions

The one rule: whoever has no good token for this page, on one of the account's own domains, gets one and the same 404;
and a token shows what was said with it and with those it goes on from, for an address can be anybody's.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry
from app.calendar import Clock
from app.database import enter_by_link
from app.errors import NotFound
from app.ids import new_id
from app.models.directory import Directory
from app.models.domains import Domain
from app.models.submissions import FormSubmission, VisitorToken
from app.scheduling.availability import load_page_time
from app.scheduling.configuration import Configuration
from app.scheduling.domains.names import host_in
from app.scheduling.domains.standing import DomainStatus
from app.scheduling.form_answers import as_kept, fault_of
from app.scheduling.prefill_schemas import MOST_FIELDS, FormPrefill, FormSubmissionCreate
from app.sync.people import AddressBook
from app.vault import SecretPlace, Vault

TOKEN_LIFETIME = timedelta(days=180)
_TOKEN_BYTES = 32
_MOST_TOKENS = 20
"""A person has a few browsers; the oldest token gives way."""
_AT_ONCE = 500
_ITS_SUBMISSION = (VisitorToken.account_id == FormSubmission.account_id) & (
    VisitorToken.submission_id == FormSubmission.id
)


@dataclass(frozen=True, slots=True)
class Issued:
    """A visitor token, told once."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Said:
    """What a person has said, as it is sealed."""

    email: str
    name: str | None = None
    answers: dict[str, str] = field(default_factory=dict)
    """The oldest first."""

    def text(self) -> str:
        return json.dumps({"email": self.email, "name": self.name, "answers": list(self.answers.items())})

    @classmethod
    def of(cls, text: str) -> "_Said":
        stored = json.loads(text)
        return cls(stored["email"], stored["name"], dict(stored["answers"]))

    def then(self, body: FormSubmissionCreate) -> "_Said":
        """The newest answer wins, and so does the newest question when there are too many."""
        kept = {key: value for key, value in self.answers.items() if key not in body.answers}
        newest = list((kept | body.answers).items())[-MOST_FIELDS:]
        return _Said(body.email, body.name or self.name, dict(newest))


class Prefill:
    """Keeps answers, and gives them back to who gave them."""

    def __init__(self, vault: Vault, people: AddressBook, clock: Clock) -> None:
        self._vault = vault
        self._people = people
        self._clock = clock

    async def submit(self, session: AsyncSession, principal: Principal, body: FormSubmissionCreate) -> Issued:
        """Remember the answers, and make a token for the browser they came from."""
        now, account_id = self._clock(), principal.account_id
        row, before = await self._locked(session, account_id, body.email)
        row.content = await self._vault.seal(session, _place(row), before.then(body).text())
        token, expires_at = secrets.token_urlsafe(_TOKEN_BYTES), now + TOKEN_LIFETIME
        made = VisitorToken(
            account_id=account_id,
            token_hash=_hash(token),
            submission_id=row.id,
            expires_at=expires_at,
            created_at=now,
        )
        shown = (await self._shown_by(session, row, body.visitor_token)).then(body)
        made.content = await self._vault.seal(session, _place_of_token(made), shown.text())
        session.add(made)
        await session.flush()
        await _forget_older_tokens(session, row.id)
        add_audit_entry(session, account_id, actor=principal.actor, action="form_submission.created", subject_id=row.id)
        return Issued(token, expires_at)

    async def read(self, session: AsyncSession, page_id: UUID, *, host: str, token: str) -> FormPrefill:
        """What the page's form begins with for who holds the token; enters the page's account. Raises: NotFound."""
        hashed, now = _hash(token), self._clock()
        second = int(now.timestamp())
        enter_by_link(session, Directory.PAGE, page_id)
        page = await load_page_time(session, page_id, (second, second + 1))
        if page is None or page.turned_off:
            raise NotFound
        found = await self._find(session, hashed, now=now)
        if found is None or not await is_custom_domain(session, host):
            raise NotFound
        said = await self._said(session, *found)
        return FormPrefill(name=said.name, email=said.email, answers=_fitting(page.configuration, said.answers))

    @staticmethod
    async def _find(
        session: AsyncSession, hashed: bytes, *, now: datetime
    ) -> tuple[FormSubmission, VisitorToken] | None:
        """A good token and its person."""
        query = select(FormSubmission, VisitorToken).join(VisitorToken, _ITS_SUBMISSION)
        good = query.where(VisitorToken.token_hash == hashed, VisitorToken.expires_at > now)
        found = (await session.execute(good)).one_or_none()
        return None if found is None else (found[0], found[1])

    async def _said(self, session: AsyncSession, row: FormSubmission, token: VisitorToken) -> _Said:
        """What a token shows."""
        if token.content is None:
            return _Said.of(await self._vault.open(session, _place(row), row.content))
        return _Said.of(await self._vault.open(session, _place_of_token(token), token.content))

    async def _shown_by(self, session: AsyncSession, row: FormSubmission, token: str | None) -> _Said:
        """What the browser's token shows, if it is this person's; else nothing yet."""
        found = None if token is None else await self._find(session, _hash(token), now=self._clock())
        if found is None or found[0].id != row.id:
            return _Said("")
        return await self._said(session, *found)

    async def _locked(self, session: AsyncSession, account_id: UUID, email: str) -> tuple[FormSubmission, _Said]:
        """The person's row, locked until the transaction ends, and what they said before."""
        address_hash = (await self._people.hasher(session, account_id)).hash(email)
        fresh = FormSubmission(account_id=account_id, id=new_id())
        nothing = await self._vault.seal(session, _place(fresh), _Said(email).text())
        values = {"account_id": account_id, "id": fresh.id, "address_hash": address_hash, "content": nothing}
        told_again = {"submitted_at": self._clock()}  # locks it as well
        upsert = insert(FormSubmission).values(values | told_again)
        upsert = upsert.on_conflict_do_update(index_elements=["account_id", "address_hash"], set_=told_again)
        row = (await session.scalars(upsert.returning(FormSubmission))).one()
        return row, _Said.of(await self._vault.open(session, _place(row), row.content))


async def is_custom_domain(session: AsyncSession, host: str) -> bool:
    """Whether the entered account has connected this host; the shared domain is nobody's (R40)."""
    query = select(Domain.id).where(Domain.host == host_in(host), Domain.status == DomainStatus.CONNECTED)
    return await session.scalar(query) is not None


async def forget_person(session: AsyncSession, address_hash: bytes) -> None:
    """Erase what somebody has submitted, and every token by which they were known (R54)."""
    await session.execute(delete(FormSubmission).where(FormSubmission.address_hash == address_hash))


async def forget_lapsed(session: AsyncSession, account_id: UUID, now: datetime) -> bool:
    """Some of the account's tokens that have expired, then what no token shows any more; whether there may be more."""
    expired = (
        select(VisitorToken.token_hash)
        .where(VisitorToken.account_id == account_id, VisitorToken.expires_at <= now)
        .order_by(VisitorToken.expires_at)
        .limit(_AT_ONCE)
    )
    gone = delete(VisitorToken).where(VisitorToken.account_id == account_id, VisitorToken.token_hash.in_(expired))
    if len((await session.scalars(gone.returning(VisitorToken.token_hash))).all()) == _AT_ONCE:
        return True
    shown = select(VisitorToken.submission_id).where(_ITS_SUBMISSION).exists()
    unshown = (FormSubmission.account_id == account_id, FormSubmission.submitted_at <= now - TOKEN_LIFETIME, ~shown)
    await session.execute(delete(FormSubmission).where(*unshown))
    return False


async def _forget_older_tokens(session: AsyncSession, submission_id: UUID) -> None:
    """The person's that are too many."""
    newest = (
        select(VisitorToken.token_hash)
        .where(VisitorToken.submission_id == submission_id)
        .order_by(VisitorToken.expires_at.desc(), VisitorToken.token_hash)
        .limit(_MOST_TOKENS)
    )
    await session.execute(
        delete(VisitorToken).where(VisitorToken.submission_id == submission_id, VisitorToken.token_hash.not_in(newest))
    )


def _fitting(page: Configuration, answers: dict[str, str]) -> dict[str, str]:
    """The answers to the page's own questions, as far as it would take them. A box is ticked by its visitor or not at
    all: it may be a consent.
    """
    questions = [question for question in page.form_fields if question.id in answers and question.kind != "checkbox"]
    said = [(question, as_kept(answers[question.id])) for question in questions]
    return {question.id: answer for question, answer in said if answer and fault_of(question, answer) is None}


def _place_of_token(token: VisitorToken) -> SecretPlace:
    """A token has no id but its hash."""
    return SecretPlace("visitor_tokens", "content", token.account_id, UUID(bytes=token.token_hash[:16]))


def _place(row: FormSubmission) -> SecretPlace:
    return SecretPlace("form_submissions", "content", row.account_id, row.id)


def _hash(token: str) -> bytes:
    """Looked up by what nobody can steer towards a stored one: how long it takes tells nothing of the token."""
    return hashlib.sha256(token.encode()).digest()
