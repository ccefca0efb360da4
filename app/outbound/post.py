"""INTERIM."""


async def post_connection_broken(session, user, connection):
    pass
