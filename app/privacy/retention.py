"""What is kept for a time only, beside the feed itself: forgotten in the daily round that shortens the feed.

The one rule: each feature forgets its own, an account at a time; nothing of that waits for somebody to come by.
"""

from typing import Final

from app.bookings.drift.over import close_what_is_over
from app.scheduling.prefill import forget_lapsed
from app.scheduling.proposals.service import TimeProposals
from app.sync.lapsed import forget_past_of_lapsed

FORGOTTEN: Final = (close_what_is_over, forget_past_of_lapsed, forget_lapsed, TimeProposals.forget_old)
"""Questions to hosts about what is over; events of lapsed connections; visitors' tokens and words; proposals."""
