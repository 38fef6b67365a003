# One image for every service of docker-compose.yaml. It holds code and no secret.
FROM python:3.12.12-slim-trixie

# The environment says everything: each component would else write an airflow.cfg with secrets of its own.
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
    PYTHONUNBUFFERED=1 \
    SCARF_ANALYTICS=false
RUN useradd --uid 50000 --no-create-home --home-dir /opt/airflow --shell /usr/sbin/nologin motcua \
    && mkdir -p /opt/airflow/logs /opt/motcua/.data/publications /opt/motcua/.data/journal /opt/motcua/.data/watch \
    && touch /opt/airflow/airflow.cfg \
    && chown -R motcua:motcua /opt/airflow /opt/motcua/.data

WORKDIR /opt/motcua
COPY requirements.lock ./
RUN pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes -r requirements.lock

COPY pyproject.toml README.md ./
COPY dags dags
COPY plugins plugins
COPY include include
# Editable, so that the folder which Airflow scans for plugins is the package: one copy, not two.
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && python -m compileall -q dags plugins

USER motcua
