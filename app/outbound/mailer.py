"""INTERIM."""


class Mailer:
    def __init__(self, **kw):
        pass
