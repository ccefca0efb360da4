"""Token sources for tests."""

from app.providers.base import ReauthRequired


class Tokens:
    """Hands out its tokens in order; a renewal moves on to the next."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens) or ["first", "second"]
        self.rejected: list[str] = []

    async def token(self) -> str:
        return self._tokens[0]

    async def renew(self, rejected: str) -> str:
        self.rejected.append(rejected)
        if len(self._tokens) == 1:
            raise ReauthRequired(provider_code="token_revoked")
        self._tokens.pop(0)
        return self._tokens[0]
