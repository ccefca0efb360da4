# The service: one image for the API, the worker and migrations. Nothing of the sandbox, the tests or the tools is in it.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements/base.txt /tmp/base.txt
# Only wheels: what would have to be compiled here was never tested.
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: --requirement /tmp/base.txt

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin service
COPY --from=build /opt/venv /opt/venv
# The command by the name that the documentation uses.
RUN printf '#!/bin/sh\ncd /srv && exec /opt/venv/bin/python -m app.cli "$@"\n' > /usr/local/bin/calendar-connect \
    && chmod 755 /usr/local/bin/calendar-connect
WORKDIR /srv
COPY alembic.ini ./
COPY migrations ./migrations
COPY app ./app
RUN /opt/venv/bin/python -m compileall -q app migrations
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
EXPOSE 8000
# Of the API; the worker serves no HTTP and turns it off (compose.yaml).
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
ENTRYPOINT ["python", "-m", "app.cli"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
