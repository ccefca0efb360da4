"""Which slugs are free."""

from typing import Annotated

from fastapi import APIRouter, Path

from app.routers.dependencies import Services, Session, User
from app.scheduling.link_schemas import SlugAvailability
from app.scheduling.schemas import Slug
from app.scheduling.slug_availability import slug_availability

router = APIRouter(prefix="/v1/slugs", tags=["Scheduling pages"])


@router.get("/{slug}", summary="Ask whether a slug is free")
async def get_slug_availability(
    slug: Annotated[Slug, Path(description="The last part of the link, as a new page would have it.")],
    session: Session,
    caller: User,
    services: Services,
) -> SlugAvailability:
    """Slugs are unique across all accounts and domains. Nothing is reserved: making the page may find it taken."""
    return await slug_availability(session, caller, slug, services.links)
