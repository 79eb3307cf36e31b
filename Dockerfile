# Build: the environment with exactly the pinned packages.
FROM python:3.13-slim-trixie AS build
WORKDIR /plumbline
RUN python -m venv /opt/venv
COPY requirements.txt ./
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt \
 && /opt/venv/bin/pip install --no-cache-dir setuptools==80.9.0
COPY pyproject.toml atlassian-connect.json ./
COPY app app
COPY migrations migrations
COPY templates templates
COPY static static
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation -e .

# Run: an ordinary user, nothing to write but the data directory.
FROM python:3.13-slim-trixie
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/plumbline plumbline
COPY --from=build /opt/venv /opt/venv
COPY --from=build /plumbline /plumbline
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PLUMBLINE_HOST=0.0.0.0 \
    PLUMBLINE_DATA_DIR=/var/lib/plumbline
USER plumbline
WORKDIR /plumbline
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
CMD ["plumbline", "serve"]
