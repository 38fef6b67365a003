# Builds the image of all services in docker-compose.yaml except postgres, redis and proxy. The image contains the code,
# no secret, and only the packages that production needs. docs/operations/server.md explains where the digest below
# comes from, and how to use a newer base image.
ARG PYTHON_IMAGE=python:3.11.15-slim-trixie@sha256:90744cff8f32887f075c47d747a173ff333e9e98801667af93c357fa9f5e28ff
FROM ${PYTHON_IMAGE}

# All configuration is in the environment. airflow.cfg is an empty file, because otherwise each component would write
# one with new secrets. Services write only to volumes and /tmp, because their root file system is read-only.
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
# To build without internet, from the wheels of the bundle (docs/operations/offline.md):
#     docker compose build --build-arg PIP_NO_INDEX=1 --build-arg PIP_FIND_LINKS=/source/wheels
ARG PIP_NO_INDEX
ARG PIP_FIND_LINKS
RUN --mount=type=bind,target=/source \
    pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes -r /source/requirements-production.lock

# With the lock file, motcua doctor checks that the installed packages are the locked ones.
COPY pyproject.toml README.md requirements-production.lock ./
COPY dags dags
COPY plugins plugins
COPY include include
# The install is editable: Python imports the package from the folder that Airflow scans for plugins, so the image has
# only one copy of the code. The packages that only this install needs are removed again.
RUN --mount=type=bind,target=/source \
    pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes -r /source/requirements-build.lock \
    && pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && pip uninstall --yes setuptools wheel \
    && python -m compileall -q dags plugins

USER motcua
