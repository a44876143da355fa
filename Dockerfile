# One image for every service of docker-compose.yml: Airflow, curation, and the training.
#
#   docker build -t curation .
#
# Not built yet: there is no container engine where this was written.
FROM python:3.11.13-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    AIRFLOW_HOME=/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/curation/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/curation/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=false

# Volumes that are mounted here take their owner from these folders, so a service can write without root.
RUN useradd --create-home --uid 50000 curation \
    && mkdir -p /airflow/logs /archives /auth /lake /recipes /stand-in \
    && chown -R curation: /airflow /archives /auth /lake /recipes /stand-in

WORKDIR /curation

# What is installed changes less often than the code: its layer is made from the names of the packages alone.
# torch comes with CUDA; for a smaller image on hosts without a GPU, name an index of CPU wheels:
#   docker build --build-arg PIP_EXTRA_INDEX_URL=…
ARG PIP_EXTRA_INDEX_URL
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY curation/__init__.py curation/
RUN pip install -c constraints.txt '.[airflow,pretrain,s3,trafilatura]'

COPY curation curation
RUN pip install --no-deps --force-reinstall .
COPY plugins plugins
COPY dags dags
# Imports of `curation` are of the installed package, wherever a process was started.
RUN rm -r curation

USER curation
CMD ["airflow", "version"]
