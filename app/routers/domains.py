"""The account's own domains, which pages can be published on."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from app.errors import DomainExists, DomainInUse, DomainLimitReached, EntitlementRequired, NotFound
from app.ids import DomainId, encode_id
from app.models import domains as models
from app.routers.dependencies import IfMatch, ReaderLanguage, Services, Session, User
from app.routers.openapi_codes import problems
from app.routers.pagination import Cursor, CursorParameter, Limit
from app.routers.rate_limits import LimitedDomainCheck
from app.scheduling.domains import checks as domain_checks
from app.scheduling.domains import repository as domain_repository
from app.scheduling.domains.schemas import Domain, DomainCreate, DomainList, DomainUpdate
from app.scheduling.domains.views import domain_view

router = APIRouter(prefix="/v1/domains", tags=["Domains"])


@router.get("", summary="List the account's domains")
async def list_domains(
    request: Request, session: Session, caller: User, services: Services, language: ReaderLanguage,
    limit: Limit = 20, cursor: CursorParameter = None,
) -> DomainList:  # fmt: skip
    """All domains of the caller's account, the oldest first. Those that are connected can be chosen in the settings."""
    cursors = Cursor(request)
    rows = await domain_repository.list_domains(session, after=cursors.read(cursor), limit=limit + 1)
    views = await _views(rows[:limit], session, caller, services, language)
    return DomainList(items=views, next_cursor=cursors.after(rows[limit - 1].id) if len(rows) > limit else None)


@router.post(
    "",
    summary="Add a domain",
    status_code=201,
    responses=problems(EntitlementRequired, DomainExists, DomainLimitReached),
    dependencies=[LimitedDomainCheck],
)
async def create_domain(
    body: DomainCreate, session: Session, caller: User, services: Services, language: ReaderLanguage, response: Response
) -> Domain:
    """Say which domain; the answer says which DNS records to set. Nothing is published on it before it is connected.

    The records are looked for by themselves: soon at first, then less and less often, for 30 days.
    """
    domain = await services.domains.create(session, caller, body)
    response.headers["Location"] = f"/v1/domains/{encode_id('dom', domain.id)}"
    response.headers["ETag"] = f'"{domain.version}"'
    return await _view(domain, session, caller, services, language)


@router.get("/{domain_id}", summary="Read a domain", responses=problems(NotFound))
async def get_domain(
    domain_id: DomainId, session: Session, caller: User, services: Services, language: ReaderLanguage,
    response: Response,
) -> Domain:  # fmt: skip
    """One of the account's domains: how it stands and what is wrong if something is. DNS is not asked."""
    domain = await domain_checks.get_domain(session, domain_id)
    response.headers["ETag"] = f'"{domain.version}"'
    return await _view(domain, session, caller, services, language)


@router.patch("/{domain_id}", summary="Change a domain", responses=problems(NotFound))
async def update_domain(
    domain_id: DomainId, body: DomainUpdate, session: Session, caller: User, services: Services,
    language: ReaderLanguage, if_match: IfMatch, response: Response,
) -> Domain:  # fmt: skip
    """Say whether search engines may show the pages; the domain's `robots.txt` follows."""
    domain = await services.domains.update(session, caller, domain_id, body, if_match=if_match)
    response.headers["ETag"] = f'"{domain.version}"'
    return await _view(domain, session, caller, services, language)


@router.delete("/{domain_id}", summary="Take a domain away", status_code=204, responses=problems(NotFound, DomainInUse))
async def delete_domain(
    domain_id: DomainId, session: Session, caller: User, services: Services, if_match: IfMatch
) -> Response:
    """Refused while somebody's links are on it. Links on it that are out there stay good as long as it points here."""
    await services.domains.delete(session, caller, domain_id, if_match=if_match)
    return Response(status_code=204)


@router.post(
    "/{domain_id}/verify",
    summary="Look a domain's records up",
    responses=problems(EntitlementRequired, NotFound),
    dependencies=[LimitedDomainCheck],
)
async def verify_domain(
    domain_id: DomainId, session: Session, caller: User, services: Services, language: ReaderLanguage,
    response: Response,
) -> Domain:  # fmt: skip
    """Ask DNS now. The domain is connected when its `TXT` record stands; else `failure_reason` says what is wrong.

    One that is waited for is looked at often again from now on.
    """
    domain = await services.domains.verify(caller, domain_id)
    response.headers["ETag"] = f'"{domain.version}"'
    return await _view(domain, session, caller, services, language)


async def _view(
    domain: models.Domain, session: Session, caller: User, services: Services, language: ReaderLanguage
) -> Domain:
    [view] = await _views([domain], session, caller, services, language)
    return view


async def _views(
    domains: Sequence[models.Domain], session: Session, caller: User, services: Services, language: ReaderLanguage
) -> list[Domain]:
    actions = await services.domains.actions(session, caller, domains)
    target = services.domain_target
    return [domain_view(item, target=target, language=language, actions=actions[item.id]) for item in domains]
