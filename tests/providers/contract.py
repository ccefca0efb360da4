"""The promises of `app/providers/base.py`, held against a provider. A provider passes all of them.

A suite for one provider subclasses `ProviderContract` and gives it a `stage` fixture (see `stage.py`).
"""

from tests.providers.contract_calendars import Blocking, OwnCalendars
from tests.providers.contract_following import Following
from tests.providers.contract_people import Copies, People
from tests.providers.contract_reading import Busyness, Listing, Timekeeping, Trouble
from tests.providers.contract_writing import Changing, Creating


class ProviderContract(
    Creating,
    Changing,
    Blocking,
    OwnCalendars,
    Following,
    People,
    Copies,
    Timekeeping,
    Busyness,
    Trouble,
    Listing,
):
    """All promises. Each runs against a stage of its own."""
