"""Who may connect a calendar (R3, R9). Pure.

The one rule: it is asked when connecting begins, and of what is known when it ends: rights are taken away meanwhile.
"""

from collections.abc import Collection

from app.accounts.entitlements import Entitlement
from app.accounts.principal import Permission, Seat
from app.errors import PersonalEmailAccessRequired


def check_permitted(permissions: Collection[str], seats: Collection[Seat], *, needs: Entitlement | None) -> None:
    """`needs`: the seat without which it cannot be done; None: any will do.

    Raises: PersonalEmailAccessRequired, EntitlementRequired.
    """
    if Permission.PERSONAL_EMAIL_ACCESS not in permissions:
        raise PersonalEmailAccessRequired
    if needs is not None:
        needs.require(seats)
