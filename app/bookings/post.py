"""INTERIM."""


class BookingPost:
    def __init__(self, *a, **k):
        pass

    def confirmed(self, *a, **k):
        return []

    def requested(self, *a, **k):
        return []

    def rescheduled(self, *a, **k):
        return []

    def cancelled(self, *a, **k):
        return []

    async def attempt_blocked(self, *a, **k):
        return []
