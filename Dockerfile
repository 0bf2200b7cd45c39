# syntax=docker/dockerfile:1
# One image for hub, worker and relay: `serve` unless another command is given. Nothing is built at the start,
# nothing of the image is written to: run it with a read-only root, /data a volume and /tmp a tmpfs.
FROM debian:trixie-slim AS build
# Debian's packages keep their interface within a release and are wanted with their newest security fixes.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/wattledger
WORKDIR /src
COPY deploy/requirements.lock ./
RUN /opt/wattledger/bin/python -m pip install --no-cache-dir --only-binary :all: --require-hashes --no-deps \
    --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN /opt/wattledger/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation --no-index . \
    && /opt/wattledger/bin/python -m pip uninstall --yes hatchling pathspec pluggy trove-classifiers pip \
    && find /opt/wattledger/lib -type d "(" -name tests -o -path "*/pyarrow/include" ")" -prune -exec rm -r "{}" +

FROM debian:trixie-slim
# gpg opens what the built-in reader of PGP refuses; only a relay calls it.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates gpg gpg-agent python3 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 wattledger \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin wattledger \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data /objects
COPY --from=build /opt/wattledger /opt/wattledger
ENV PATH=/opt/wattledger/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    WATTLEDGER_DATA=/data \
    WATTLEDGER_LOG=json
USER 10001:10001
WORKDIR /data
VOLUME ["/data", "/objects"]
EXPOSE 8400 8787
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:8400/healthz', timeout=4)"]
ENTRYPOINT ["wattledger"]
CMD ["serve", "--host", "0.0.0.0"]
