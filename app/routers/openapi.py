"""INTERIM."""


def problems(*statuses):
    return {}


def describe(app):
    from fastapi.openapi.utils import get_openapi

    return get_openapi(title=app.title, version=app.version, routes=app.routes)


def document_settings():
    raise NotImplementedError
