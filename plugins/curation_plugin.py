"""Registers curation with Airflow, nothing else: what it is made of lies in `curation_airflow`."""

from airflow.plugins_manager import AirflowPlugin


class CurationPlugin(AirflowPlugin):
    """Puts this folder's `curation_airflow` on the path of every component, under a name shown in the UI."""

    name = "curation"
