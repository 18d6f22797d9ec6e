# One image for `hookyard serve`, `hookyard work` and `hookyard db upgrade`; it runs as a user without rights.
# Every package comes pinned and hash-checked from the constraints files.

FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build

# The build back-end, out of the development pins: nothing that builds is fetched unpinned.
COPY constraints-dev.txt ./
RUN awk '/^[a-z0-9]/ { keep = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ } keep' \
        constraints-dev.txt > build.txt \
    && python -m pip install --require-hashes --no-deps -r build.txt

RUN python -m venv /opt/hookyard
COPY constraints.txt ./
RUN /opt/hookyard/bin/pip install --require-hashes --no-deps -r constraints.txt

COPY pyproject.toml README.md LICENSE ./
COPY router router
COPY workers workers
COPY rules rules
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && /opt/hookyard/bin/pip install --no-deps --no-index dist/*.whl


FROM python:3.12-slim
RUN groupadd --gid 10001 hookyard \
    && useradd --uid 10001 --gid hookyard --home-dir /var/lib/hookyard --create-home hookyard
COPY --from=build /opt/hookyard /opt/hookyard
ENV PATH=/opt/hookyard/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOOKYARD_DATA=/var/lib/hookyard/data
USER 10001:10001
WORKDIR /var/lib/hookyard
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["hookyard"]
CMD ["serve"]
