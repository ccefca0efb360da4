"""The meeting link of a person's chat, for the widget on a website (R42)."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from app.errors import NotFound, PageTurnedOff
from app.routers.dependencies import PublicSession, Services
from app.routers.openapi_codes import problems
from app.routers.rate_limits import LimitedRead
from app.scheduling.chat import show_widget
from app.scheduling.chat_schemas import ChatWidget

router = APIRouter(prefix="/v1/public/chat-widgets", tags=["Booking"], dependencies=[LimitedRead])
PUBLIC: dict[str, Any] = {"security": []}
WidgetKey = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9_-]{43}$", description="The `widget_key` of the person's chat profile.")
]


@router.get(
    "/{widget_key}",
    summary="Read a chat's meeting link",
    responses=problems(NotFound, PageTurnedOff),
    openapi_extra=PUBLIC,
)
async def get_public_chat_widget(widget_key: WidgetKey, session: PublicSession, services: Services) -> ChatWidget:
    """The link the person offers in chats, and whether it is any use now. Gone when the chat offers none."""
    widget = await show_widget(session, widget_key, now=services.clock())
    page = widget.page
    return ChatWidget(
        page_id=page.page_id,
        meeting_link=services.links.meeting(page.slug, host=widget.host),
        host_name=page.public_host_name,
        bookable=widget.bookable,
    )
