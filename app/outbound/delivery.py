"""INTERIM."""


class MailDelivery:
    def __init__(self, *a):
        pass

    async def run(self, account_id, id):
        pass
