"""The delegated permissions the simulator knows. The one rule: names are compared without case, as the platform does.

https://learn.microsoft.com/graph/permissions-reference
"""

from collections.abc import Iterable, Iterator

GRAPH = "https://graph.microsoft.com/"
IDENTITY = frozenset({"openid", "profile", "email", "offline_access"})
_TEXTS = {
    "User.Read": "Sign you in and read your profile",
    "User.RevokeSessions.All": "Revoke all sign in sessions for a user",
    "User.ReadWrite.All": "Read and write all users' full profiles",
    "Calendars.ReadBasic": "Read basic details of events in your calendars",
    "Calendars.Read": "Read your calendars",
    "Calendars.ReadWrite": "Have full access to your calendars",
    "Calendars.Read.Shared": "Read calendars you can access",
    "Calendars.ReadWrite.Shared": "Read and write to your and shared calendars",
    "MailboxSettings.Read": "Read your mailbox settings",
    "MailboxSettings.ReadWrite": "Read and write to your mailbox settings",
    "openid": "Sign you in",
    "profile": "View your basic profile",
    "email": "View your email address",
    "offline_access": "Maintain access to data you have given it access to",
}
_NAMES = {name.lower(): name for name in _TEXTS}

READ = frozenset({"Calendars.Read", "Calendars.ReadWrite", "Calendars.Read.Shared", "Calendars.ReadWrite.Shared"})
WRITE = frozenset({"Calendars.ReadWrite", "Calendars.ReadWrite.Shared"})
READ_SHARED = frozenset({"Calendars.Read.Shared", "Calendars.ReadWrite.Shared"})
WRITE_SHARED = frozenset({"Calendars.ReadWrite.Shared"})
# "Shared" permissions "do not support subscribing to change notifications".
SUBSCRIBE = frozenset({"Calendars.Read", "Calendars.ReadWrite"})
# The list of calendars also opens with the basic permission.
LIST = READ | {"Calendars.ReadBasic"}
PROFILE = frozenset({"User.Read"})
SESSIONS = frozenset({"User.RevokeSessions.All", "User.ReadWrite.All"})
SETTINGS = frozenset({"MailboxSettings.Read", "MailboxSettings.ReadWrite"})
SETTINGS_WRITE = frozenset({"MailboxSettings.ReadWrite"})

# What the app registration lists, beyond identity: what `.default` asks for. Those for administrators are not there.
REGISTERED = tuple(name for name in _TEXTS if name not in IDENTITY and not name.endswith(".All"))
# What an administrator allowed the app to do without a person. `User.Read` stands for `User.Read.All`.
APPLICATION = frozenset({"User.Read", "Calendars.ReadWrite", "MailboxSettings.ReadWrite"})
_ALL = frozenset({f"{GRAPH}.default", f"{GRAPH}/.default", ".default"})


def asks_for_all(scope: str) -> bool:
    """Whether `.default`, "all the permissions that have been consented to", is among the scopes."""
    return any(each.lower() in _ALL for each in scope.split())


def spelt(scope: str) -> Iterator[str]:
    """The scopes of an authorization request in the platform's spelling; what it does not have comes as it is."""
    for each in scope.split():
        if each.lower() in _ALL:
            yield from REGISTERED
        else:
            yield known(each) or each


def known(scope: str) -> str | None:
    """The platform's spelling of a scope, short; None for one it does not have."""
    short = scope[len(GRAPH) :] if scope.lower().startswith(GRAPH) else scope
    return _NAMES.get(short.lower())


def describe(scope: str) -> str:
    return _TEXTS[scope]


def told(scopes: Iterable[str], *, as_uris: bool) -> str:
    """The `scope` of a token answer: `offline_access` is never told; Graph's own may come as addresses."""
    shown = sorted(set(scopes) - {"offline_access"})
    return " ".join(f"{GRAPH}{scope}" if as_uris and scope not in IDENTITY else scope for scope in shown)
