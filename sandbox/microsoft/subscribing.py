"""The subscription resource. The one rule: no address gets a notification that has not answered for itself.

Each address is asked during the request that names it, so a client must be able to answer while it waits.
https://learn.microsoft.com/graph/api/subscription-post-subscriptions
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote_plus, urlsplit, urlunsplit
from uuid import uuid4

from sandbox.microsoft import errors
from sandbox.microsoft.call import Answer, Call
from sandbox.microsoft.errors import GraphError
from sandbox.microsoft.ids import read_folder_id
from sandbox.microsoft.paths import read_path
from sandbox.microsoft.subscriptions import CHANGE_TYPES, ChangeType, Subscription
from sandbox.microsoft.times import Json, as_utc, utc_text
from sandbox.push import Message, Reply, judge_address

_CLIENT_STATE_MAX = 128
# What can be watched: the default calendar's events, or another's.
_RESOURCES = tuple(
    tuple(f"{person}/{place}".split("/"))
    for person in ("me", "users/{user}")
    for place in ("events", "calendars/{calendar}/events")
)
# What events have no use for, or what only subscriptions with contents need.
_UNSUPPORTED = ("encryptionCertificate", "encryptionCertificateId", "notificationQueryOptions", "notificationUrlAppId")
_UPDATABLE = frozenset({"expirationDateTime", "notificationUrl"})
_VALIDATION = "Validation: Testing client application reachability for subscription Request-Id:"


@dataclass(frozen=True)
class _Addresses:
    changes: str
    lifecycle: str | None


async def create(call: Call) -> Answer:
    """Check what is asked for, then ask the addresses, then begin."""
    body, account = call.body, call.account
    _check_required(body)
    for name in _UNSUPPORTED:
        if body.get(name) is not None:
            raise errors.bad_subscription(f"The property '{name}' is not supported for this resource.")
    if body.get("includeResourceData"):
        raise errors.bad_subscription("Resource data is not supported for this resource.")
    subscription = Subscription(
        id=str(uuid4()),
        account=account.email,
        oid=account.oid,
        tenant=account.tenant,
        grant=call.grant,
        resource=body["resource"],
        calendar=_watched(call, body["resource"]),
        changes=_changes(body["changeType"]),
        url=_address(call, "notificationUrl", body["notificationUrl"]),
        lifecycle_url=_lifecycle_address(call),
        client_state=_client_state(body),
        immutable_ids=call.preferences.immutable_ids,
        tls=body.get("latestSupportedTlsVersion") or "v1_2",
        created_at=call.world.clock.now(),
        expires_at=_expiry(call, body["expirationDateTime"]),
    )
    if len(call.world.subscriptions.of(account.email)) >= call.world.knobs.subscriptions_per_mailbox:
        raise errors.subscription_refused(403, "Forbidden", "The mailbox has reached its maximum of subscriptions.")
    await _validate(call, subscription.id, filter(None, (subscription.url, subscription.lifecycle_url)))
    call.world.subscriptions.add(subscription)
    location = f"{call.base}/subscriptions('{subscription.id}')"
    return Answer({"@odata.context": _context(call), **_show(subscription)}, 201, {"location": location})


async def update(call: Call) -> Answer:
    """A later end, another address, or both. Either authorizes the subscription again."""
    subscription, body = _own(call), call.body
    for name in body:
        if name not in _UPDATABLE:
            raise errors.bad_subscription(f"The property '{name}' of a subscription cannot be changed.")
    if not any(body.get(name) for name in _UPDATABLE):
        raise errors.bad_subscription("The property 'expirationDateTime' is required.")
    raw, address = body.get("expirationDateTime"), body.get("notificationUrl")
    expires_at = _expiry(call, raw) if raw else subscription.expires_at
    if address:
        url = _address(call, "notificationUrl", address)
        await _validate(call, subscription.id, [url])
        subscription = _own(call)  # it may have come to its end meanwhile
        subscription.url = url
    subscription.expires_at = expires_at
    _authorize(call, subscription)
    return Answer({"@odata.context": _context(call), **_show(subscription)})


def reauthorize(call: Call) -> Answer:
    """The end stays where it was."""
    _authorize(call, _own(call))
    return Answer(None, 204)


def _authorize(call: Call, subscription: Subscription) -> None:
    subscription.grant = call.grant
    subscription.paused = False


def get_subscription(call: Call) -> Answer:
    return Answer({"@odata.context": _context(call), **_show(_own(call))})


def list_subscriptions(call: Call) -> Answer:
    """Those of this app for this person; an app without one sees all it made itself in its tenant."""
    people = call.world.accounts.values()
    asked = [call.account] if call.grant.account else [each for each in people if each.tenant == call.account.tenant]
    own = [each for person in asked for each in call.world.subscriptions.of(person.email) if _is_own(call, each)]
    context = f"{call.base}/$metadata#subscriptions"
    return Answer({"@odata.context": context, "value": [_show(each) for each in own]})


def delete(call: Call) -> Answer:
    _own(call).ended = "deleted"
    return Answer(None, 204)


def _own(call: Call) -> Subscription:
    found = call.world.subscriptions.find(call.params["subscription"])
    if found is None or not _is_own(call, found):
        raise errors.subscription_not_found()
    return found


def _is_own(call: Call, subscription: Subscription) -> bool:
    if subscription.grant.client_id != call.grant.client_id or subscription.grant.account != call.grant.account:
        return False
    return subscription.account == call.account.email or not call.grant.account


def _context(call: Call) -> str:
    return f"{call.base}/$metadata#subscriptions/$entity"


def _show(subscription: Subscription) -> Json:
    return {
        "id": subscription.id,
        "resource": subscription.resource,
        "applicationId": subscription.grant.client_id,
        "changeType": ",".join(each for each in CHANGE_TYPES if each in subscription.changes),
        "clientState": subscription.client_state,
        "notificationUrl": subscription.url,
        "notificationQueryOptions": None,
        "lifecycleNotificationUrl": subscription.lifecycle_url,
        "expirationDateTime": utc_text(subscription.expires_at),
        "creatorId": subscription.oid,
        "includeResourceData": None,
        "latestSupportedTlsVersion": subscription.tls,
        "encryptionCertificate": None,
        "encryptionCertificateId": None,
        "notificationUrlAppId": None,
    }


# what may be asked for ----------------------------------------------------------------------------


def _check_required(body: Json) -> None:
    for name in ("changeType", "notificationUrl", "resource", "expirationDateTime"):
        if not body.get(name):
            raise errors.bad_subscription(f"The property '{name}' is required to create a subscription.")


def _changes(raw: str) -> frozenset[ChangeType]:
    asked = {part.strip().lower() for part in raw.split(",")}
    if not asked <= set(CHANGE_TYPES):
        raise errors.bad_subscription(f"The value '{raw}' of 'changeType' is not valid.")
    return frozenset(each for each in CHANGE_TYPES if each in asked)


def _client_state(body: Json) -> str | None:
    value: str | None = body.get("clientState")
    if value is not None and len(value) > _CLIENT_STATE_MAX:
        raise errors.bad_subscription(f"The clientState exceeds the maximum of {_CLIENT_STATE_MAX} characters.")
    return value


def _watched(call: Call, resource: str) -> bytes:
    """The calendar; only events, and only the person's own. That of a whole mailbox is the default one, whatever the
    documentation says: https://github.com/microsoftgraph/microsoft-graph-docs/issues/6595 and 21978.
    """
    keys = _read_resource(resource)
    if keys is None:
        reason = f"The resource '{resource}' does not support subscriptions."
        raise errors.subscription_refused(400, "BadRequest", reason)
    if "user" in keys:
        found = call.world.find_account(keys["user"])
        if found is None:
            raise _missing()
        if found is not call.account:
            raise _forbidden()
    return _calendar(call, keys["calendar"]) if "calendar" in keys else call.account.default.token


def _read_resource(resource: str) -> dict[str, str] | None:
    """The keys in a resource's path, or None for one that cannot be watched."""
    segments = list(read_path(resource))
    for names in _RESOURCES:
        pairs = list(zip(names, segments, strict=False))
        fits = all(name[0] == "{" or (segment.text.lower() == name and not segment.is_key) for name, segment in pairs)
        if fits and len(names) == len(segments):
            return {name.strip("{}"): segment.text for name, segment in pairs if name[0] == "{"}
    return None


def _calendar(call: Call, calendar_id: str) -> bytes:
    found = read_folder_id(calendar_id)
    for calendar in call.account.calendars:
        if found == (call.account.mailbox, calendar.token):
            if calendar.owner is not call.account:
                raise _forbidden()
            return calendar.token
    raise _missing()


def _forbidden() -> GraphError:
    return errors.subscription_refused(403, "Forbidden", "Access is denied. Check credentials and try again.")


def _missing() -> GraphError:
    return errors.subscription_refused(404, "NotFound", "The specified object was not found in the store.")


def _expiry(call: Call, raw: str) -> datetime:
    """A short life is made longer, one that is too long is refused."""
    try:
        moment = datetime.fromisoformat(raw.strip().upper())
    except ValueError:
        raise errors.wrong_type(raw, "Edm.DateTimeOffset") from None
    instant = None if moment.tzinfo is None else as_utc(moment)
    if instant is None:
        raise errors.wrong_type(raw, "Edm.DateTimeOffset")
    now, knobs = call.world.clock.now(), call.world.knobs
    if instant <= now:
        raise errors.bad_subscription("Subscription expiration must be in the future.")
    if instant > now + knobs.subscription_lifetime_max:
        raise errors.subscription_too_long(int(knobs.subscription_lifetime_max.total_seconds() // 60))
    return max(instant, now + knobs.subscription_lifetime_min)


# addresses ----------------------------------------------------------------------------------------


def _address(call: Call, name: str, url: str) -> str:
    verdict = judge_address(url, http_to_loopback=call.world.knobs.push_http_to_loopback)
    if verdict == "not_https":
        raise errors.bad_subscription(f"The {name} must use the HTTPS protocol.")
    if verdict == "invalid":
        raise errors.bad_subscription(f"The {name} is not a valid URL.")
    return url


def _lifecycle_address(call: Call) -> str | None:
    url = call.body.get("lifecycleNotificationUrl")
    return _address(call, "lifecycleNotificationUrl", url) if url else None


async def _validate(call: Call, subscription_id: str, urls: Iterable[str]) -> None:
    """Each address must give back the token it is sent, decoded and as plain text. Raises GraphError."""
    courier, knobs = call.world.subscriptions.courier, call.world.knobs
    for url in dict.fromkeys(urls):
        if courier.faults.claim("refuse_handshake", subscription_id):
            courier.record_handshake(subscription_id, url, None)
            raise errors.not_validated("timed out.")
        token = f"{_VALIDATION} {uuid4()}"
        message = Message({"Content-Type": "text/plain; charset=utf-8"})
        reply = await courier.post(_with_token(url, token), message, knobs.validation_timeout)
        courier.record_handshake(subscription_id, url, reply)
        _judge(reply, token)


def _with_token(url: str, token: str) -> str:
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, f"validationToken={quote_plus(token)}")))
    return urlunsplit(parts._replace(query=query, fragment=""))


def _judge(reply: Reply, token: str) -> None:
    if reply.status is None:
        late = (reply.error or "").startswith("TimeoutError")
        raise errors.not_validated("timed out." if late else f"failed. {reply.error}")
    if reply.status != HTTPStatus.OK:
        name = _status_name(reply.status)
        reason = f"HTTP status code is '{name}'. Notification endpoint must respond with 200 OK to validation request."
        raise errors.not_validated(f"failed. {reason}")
    if reply.content_type != "text/plain":
        raise errors.not_validated("failed. Notification endpoint must respond with Content-Type 'text/plain'.")
    if reply.text != token:
        raise errors.not_validated("failed. Response must exactly match validationToken query parameter.")


def _status_name(status: int) -> str:
    """As .NET names them: `BadRequest`, `MethodNotAllowed`."""
    try:
        return re.sub(r"\W", "", HTTPStatus(status).phrase.title())
    except ValueError:
        return str(status)
