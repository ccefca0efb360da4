"""Where the account's events are sent."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic.json_schema import SkipJsonSchema

from app.errors import AddressNotAllowed, EventsExpired, NotFound, RequestInProgress, WebhookEndpointLimitReached
from app.events import webhook_repository
from app.events.schemas import (
    WebhookDelivery,
    WebhookDeliveryList,
    WebhookEndpoint,
    WebhookEndpointCreate,
    WebhookEndpointCreated,
    WebhookEndpointList,
    WebhookEndpointUpdate,
    WebhookReplay,
    WebhookSecret,
)
from app.events.views import created_view, delivery_view, endpoint_view
from app.ids import WebhookEndpointId, encode_id
from app.routers.dependencies import IfMatch, Services, Session, WebhookWriter
from app.routers.openapi_codes import problems
from app.routers.pagination import Cursor, CursorParameter, Limit

router = APIRouter(prefix="/v1/webhook-endpoints", tags=["Webhooks"])
Status = Annotated[Literal["pending", "succeeded", "failed"] | SkipJsonSchema[None], Query(description="Only these.")]


@router.get("", summary="List the webhook endpoints")
async def list_webhook_endpoints(
    request: Request, session: Session, caller: WebhookWriter, limit: Limit = 20, cursor: CursorParameter = None
) -> WebhookEndpointList:
    """The account's endpoints, oldest first."""
    found = await webhook_repository.list_endpoints(session)
    rows, onward = Cursor(request).cut(found, cursor=cursor, limit=limit, key=lambda row: row.id)
    return WebhookEndpointList(items=[endpoint_view(row) for row in rows], next_cursor=onward)


@router.post(
    "",
    summary="Add a webhook endpoint",
    status_code=201,
    responses=problems(WebhookEndpointLimitReached, AddressNotAllowed),
)
async def create_webhook_endpoint(
    body: WebhookEndpointCreate, session: Session, caller: WebhookWriter, services: Services, response: Response
) -> WebhookEndpointCreated:
    """Have what happens from now on sent to an address. The secret is in this answer and in no other."""
    row, secret = await services.webhooks.create(session, caller, body)
    response.headers["Location"] = _path(row.id)
    response.headers["ETag"] = f'"{row.version}"'
    return created_view(row, secret)


@router.get("/{endpoint_id}", summary="Read a webhook endpoint", responses=problems(NotFound))
async def get_webhook_endpoint(
    endpoint_id: WebhookEndpointId, session: Session, caller: WebhookWriter, services: Services, response: Response
) -> WebhookEndpoint:
    """Where it is sent, how far it is, and what is wrong if something is."""
    row = await services.webhooks.get(session, endpoint_id)
    response.headers["ETag"] = f'"{row.version}"'
    return endpoint_view(row)


@router.patch(
    "/{endpoint_id}",
    summary="Change a webhook endpoint",
    responses=problems(NotFound, AddressNotAllowed, EventsExpired),
)
async def update_webhook_endpoint(
    endpoint_id: WebhookEndpointId, body: WebhookEndpointUpdate, session: Session, caller: WebhookWriter,
    services: Services, if_match: IfMatch, response: Response,
) -> WebhookEndpoint:  # fmt: skip
    """Change what is given. What was not delivered stays to be delivered, and is tried at once.

    410 to `active`: some of it is kept no longer. Replay from `oldest_sequence - 1` first, to go on behind the gap.
    """
    row = await services.webhooks.update(session, caller, endpoint_id, body, if_match=if_match)
    response.headers["ETag"] = f'"{row.version}"'
    return endpoint_view(row)


@router.delete("/{endpoint_id}", summary="Remove a webhook endpoint", status_code=204, responses=problems(NotFound))
async def delete_webhook_endpoint(
    endpoint_id: WebhookEndpointId, session: Session, caller: WebhookWriter, services: Services, if_match: IfMatch
) -> Response:
    """Nothing is sent there any more; what is known of its deliveries goes as well."""
    await services.webhooks.delete(session, caller, endpoint_id, if_match=if_match)
    return Response(status_code=204)


@router.post("/{endpoint_id}/rotate-secret", summary="Make a new secret", responses=problems(NotFound))
async def rotate_webhook_secret(
    endpoint_id: WebhookEndpointId, session: Session, caller: WebhookWriter, services: Services
) -> WebhookSecret:
    """For a day messages are signed with both, the new and the former; then with the new one only."""
    row, secret = await services.webhooks.rotate_secret(session, caller, endpoint_id)
    assert row.previous_secret_until is not None
    return WebhookSecret(secret=secret, previous_secret_until=row.previous_secret_until)


@router.post(
    "/{endpoint_id}/test", summary="Send a test", status_code=202, responses=problems(NotFound, RequestInProgress)
)
async def send_test_webhook(
    endpoint_id: WebhookEndpointId, session: Session, caller: WebhookWriter, services: Services, response: Response
) -> WebhookDelivery:
    """Send an event of type `webhook_endpoint.test`; what became of it stands among the deliveries."""
    row = await services.webhooks.test(session, caller, endpoint_id)
    response.headers["Location"] = f"{_path(endpoint_id)}/deliveries"
    return delivery_view(row)


@router.get("/{endpoint_id}/deliveries", summary="List the deliveries", responses=problems(NotFound))
async def list_webhook_deliveries(
    endpoint_id: WebhookEndpointId, request: Request, session: Session, caller: WebhookWriter, services: Services,
    limit: Limit = 20, cursor: CursorParameter = None, status: Status = None,
) -> WebhookDeliveryList:  # fmt: skip
    """Every attempt of the last weeks, the newest first."""
    cursors = Cursor(request)
    await services.webhooks.get(session, endpoint_id)
    rows = await webhook_repository.list_deliveries(
        session, endpoint_id, status=status, after=cursors.read(cursor), limit=limit + 1
    )
    views = [delivery_view(row) for row in rows[:limit]]
    return WebhookDeliveryList(
        items=views, next_cursor=cursors.after(rows[limit - 1].id) if len(rows) > limit else None
    )


@router.post(
    "/{endpoint_id}/replay", summary="Tell it again", status_code=202, responses=problems(NotFound, EventsExpired)
)
async def replay_webhooks(
    endpoint_id: WebhookEndpointId, body: WebhookReplay, session: Session, caller: WebhookWriter, services: Services,
    response: Response,
) -> WebhookEndpoint:  # fmt: skip
    """Send every event after a number again, in order, with the `webhook-id` it had. 410: they are kept no longer."""
    row = await services.webhooks.replay(session, caller, endpoint_id, after=body.after)
    response.headers["Location"] = _path(endpoint_id)
    response.headers["ETag"] = f'"{row.version}"'
    return endpoint_view(row)


def _path(endpoint_id: WebhookEndpointId) -> str:
    return f"/v1/webhook-endpoints/{encode_id('whe', endpoint_id)}"
