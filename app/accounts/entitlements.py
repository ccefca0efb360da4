"""What a seat allows. Pure.

The one rule: plans and tiers are named here and in the settings, nowhere else.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from app.accounts.principal import Seat
from app.errors import EntitlementRequired

SEAT_PRODUCTS = frozenset({"sales_hub", "service_hub"})


@dataclass(frozen=True, slots=True)
class Entitlement:
    """A seat that something needs: any of the products, at any of the tiers."""

    name: str
    tiers: tuple[str, ...]

    def met_by(self, seats: Iterable[Seat]) -> bool:
        """Whether one of the user's seats is enough."""
        return any(seat.product in SEAT_PRODUCTS and seat.tier in self.tiers for seat in seats)

    def require(self, seats: Collection[Seat]) -> None:
        """Raises: EntitlementRequired, naming the entitlement and its tiers."""
        if not self.met_by(seats):
            raise EntitlementRequired(
                detail=self.name, extra={"entitlement": self.name, "required_tiers": list(self.tiers)}
            )
