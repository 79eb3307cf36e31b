# Build: the environment with exactly the pinned packages, each by its hash.
FROM python:3.13-slim-trixie AS build
WORKDIR /plumbline
RUN python -m venv /opt/venv
COPY requirements.txt requirements-dev.txt ./
# Of what development needs, the build needs the one package that writes our own metadata.
RUN sed -n '/^setuptools==/,/[^\\]$/p' requirements-dev.txt > requirements-build.txt \
 && /opt/venv/bin/python -m pip install --no-cache-dir --no-deps --require-hashes -r requirements.txt -r requirements-build.txt \
 && /opt/venv/bin/python -m pip check
COPY pyproject.toml atlassian-connect.json ./
COPY app app
COPY migrations migrations
COPY templates templates
COPY static static
# The file system is read-only later: what Python compiles is compiled now.
RUN /opt/venv/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation -e . \
 && /opt/venv/bin/python -m compileall -q app migrations

# Run: an ordinary user, nothing to write but the data directory of an embedded database.
FROM python:3.13-slim-trixie
RUN groupadd --gid 10001 plumbline \
 && useradd --uid 10001 --gid 10001 --create-home --home-dir /var/lib/plumbline plumbline
COPY --from=build /opt/venv /opt/venv
COPY --from=build /plumbline /plumbline
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PLUMBLINE_HOST=0.0.0.0 \
    PLUMBLINE_PORT=8080 \
    PLUMBLINE_DATA_DIR=/var/lib/plumbline
USER 10001:10001
WORKDIR /plumbline
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['PLUMBLINE_PORT'] + '/healthz', timeout=2)"]
CMD ["plumbline", "serve"]
