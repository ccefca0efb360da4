"""Channels by remote control. The one rule: what is done to a channel here, its owner is not told."""

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

from sandbox.google.channels import Channel
from sandbox.google.times import Json
from sandbox.google.world import GoogleWorld


def create_channels_router(world: GoogleWorld) -> APIRouter:
    router = APIRouter(prefix="/push/channels", tags=["push"])

    @router.get("")
    async def list_channels(account: str | None = None, alive: bool | None = None) -> list[Json]:
        """All channels ever opened, oldest first; `ended` says how one came to its end."""
        return [
            _show(channel)
            for channel in world.channels.all()
            if account in {None, channel.grant.account} and alive in {None, channel.ended is None}
        ]

    @router.post("/{channel_id:path}/drop", status_code=204)
    async def drop(channel_id: str) -> Response:
        """Google loses the channel and says nothing: no more messages, and nothing to be stopped."""
        found = [channel for channel in world.channels.all() if channel.id == channel_id and channel.ended is None]
        if not found:
            raise HTTPException(404, f"no living channel {channel_id}")
        for channel in found:
            channel.ended = "dropped"
        return Response(status_code=204)

    return router


def _show(channel: Channel) -> Json:
    return {
        "id": channel.id,
        "account": channel.grant.account,
        "client_id": channel.grant.client_id,
        "address": channel.address,
        "token": channel.token,
        "resource": channel.resource,
        "resource_id": channel.resource_id,
        "resource_uri": channel.resource_uri,
        "created_at": channel.created_at.isoformat(),
        "expires_at": channel.expires_at.isoformat(),
        "message_number": channel.number,
        "ended": channel.ended,
    }
