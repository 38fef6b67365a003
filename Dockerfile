# One image for every service of docker-compose.yaml. It holds code and no secret, and of packages what production runs and
# no more. Where its digest is from, and how to take a newer one: docs/operations/server.md.
ARG PYTHON_IMAGE=python:3.11.15-slim-trixie@sha256:90744cff8f32887f075c47d747a173ff333e9e98801667af93c357fa9f5e28ff
FROM ${PYTHON_IMAGE}

# The environment says everything: each component would else write an airflow.cfg with secrets of its own.
# Nothing is written but to volumes and /tmp: services run on a root that is read-only.
ENV AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/motcua/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/motcua/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/opt/airflow/logs \
    AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY=/opt/airflow/logs/dag_processor \
    AIRFLOW__LOGGING__COLORED_CONSOLE_LOG=False \
    MOTCUA_HOME=/opt/motcua \
    DO_NOT_TRACK=1 \
    GX_ANALYTICS_ENABLED=false \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONUNBUFFERED=1 \
    SCARF_ANALYTICS=false
RUN useradd --uid 50000 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin motcua \
    && mkdir -p /opt/airflow/logs /opt/motcua/.data/publications /opt/motcua/.data/journal /opt/motcua/.data/tokens /opt/motcua/.data/watch \
    && touch /opt/airflow/airflow.cfg \
    && chown -R motcua:motcua /opt/airflow /opt/motcua/.data

WORKDIR /opt/motcua
# Without internet, from wheels of the bundle (docs/operations/offline.md):
#     docker compose build --build-arg PIP_NO_INDEX=1 --build-arg PIP_FIND_LINKS=/source/wheels
ARG PIP_NO_INDEX
ARG PIP_FIND_LINKS
RUN --mount=type=bind,target=/source \
    pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes -r /source/requirements-production.lock

# The lock, for motcua doctor: whether the packages are still those.
COPY pyproject.toml README.md requirements-production.lock ./
COPY dags dags
COPY plugins plugins
COPY include include
# Editable, so that the folder which Airflow scans for plugins is the package: one copy, not two. What installs it stays
# out of the image.
RUN --mount=type=bind,target=/source \
    pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes -r /source/requirements-build.lock \
    && pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && pip uninstall --yes setuptools wheel \
    && python -m compileall -q dags plugins

USER motcua
