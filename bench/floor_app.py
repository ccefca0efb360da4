"""The floors as an application: what a request costs that does the least of its kind.

    GET  /ping                     FastAPI, and nothing else
    GET  /pages/{id}               one SELECT by key, asyncpg without anything on top
    POST /hosts/{host}/times/{n}   one INSERT guarded by an exclusion constraint, committed

The one rule: it is served as the service is (one uvicorn worker, uvloop, httptools, frozen start-up garbage) from the
same database, so that only the work differs.

    DATABASE_URL=… python -m bench.floor_app PORT
"""

import gc
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg
import uvicorn
from fastapi import FastAPI, Request, Response

HOST = "127.0.0.1"
_POOL_SIZE = 20  # the service's default
PAGES = 1000
SCHEMA = """
CREATE SCHEMA floor;
CREATE TABLE floor.pages (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO floor.pages SELECT id, 'page ' || id FROM generate_series(1, 1000) AS id;
CREATE TABLE floor.times (
    host int NOT NULL,
    during tstzrange NOT NULL,
    CONSTRAINT times_no_overlap EXCLUDE USING gist (host WITH =, during WITH &&)
);
"""
_SELECT = "SELECT id, name FROM floor.pages WHERE id = $1"
_INSERT = """
INSERT INTO floor.times (host, during) VALUES ($1, tstzrange(to_timestamp($2), to_timestamp($2 + 900)))
ON CONFLICT ON CONSTRAINT times_no_overlap DO NOTHING RETURNING host
"""


def create_floor(database_url: str) -> FastAPI:
    """The application."""
    app = FastAPI(openapi_url=None, lifespan=_lifespan(database_url))

    @app.get("/ping", response_model=None)
    async def ping() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/pages/{page_id}", response_model=None)
    async def page(page_id: int, request: Request) -> dict[str, object]:
        return dict(await request.app.state.pool.fetchrow(_SELECT, page_id))

    @app.post("/hosts/{host}/times/{number}", response_model=None, status_code=201)
    async def take_time(host: int, number: int, request: Request, response: Response) -> dict[str, bool]:
        taken = await request.app.state.pool.fetchval(_INSERT, host, number * 900)
        if taken is None:
            response.status_code = 409
        return {"taken": taken is not None}

    return app


def _lifespan(database_url: str) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(database_url, min_size=_POOL_SIZE, max_size=_POOL_SIZE) as app.state.pool:
            gc.collect()
            gc.freeze()
            yield

    return lifespan


def serve(app: object, port: int) -> None:
    """As `app.cli` serves."""
    uvicorn.run(
        app,  # type: ignore[arg-type]
        host=HOST,
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        server_header=False,
        log_config=None,
    )


if __name__ == "__main__":
    serve(create_floor(os.environ["DATABASE_URL"]), int(sys.argv[1]))
