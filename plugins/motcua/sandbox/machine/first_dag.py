"""Register notify_transitions, the DAG that informs citizens, before any Airflow component runs.

``python -m motcua.sandbox.machine.first_dag`` does this.

The DAG processor would also register the DAG within seconds, but together with all other DAGs. The missed runs of these
DAGs would then compete for the CPU cores.
"""

from __future__ import annotations

from airflow.dag_processing.bundles.base import unpack_bundle_version
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db

FILE = "notify_transitions.py"


def main() -> None:
    """Read ``FILE`` and write its DAG into Airflow's database, as ``airflow dags reserialize`` does with all files.

    Raises:
        SystemExit: the file does not exist, or has an error.
    """
    manager = DagBundlesManager()  # type: ignore[no-untyped-call]  # of Airflow
    manager.sync_bundles_to_db()
    # The user of the demo may have configured further folders of DAGs.
    bundles = [each for each in manager.get_all_dag_bundles() if (each.path / FILE).exists()]
    if not bundles:
        raise SystemExit(f"{FILE} is in no folder of DAGs")
    for bundle in bundles:
        bundle.initialize()
        dags = BundleDagBag(bundle.path / FILE, bundle_path=bundle.path, bundle_name=bundle.name)
        if dags.import_errors:
            raise SystemExit("\n".join(dags.import_errors.values()))
        version, data = unpack_bundle_version(bundle.get_current_version(), bundle)
        sync_bag_to_db(dags, bundle.name, bundle_version=version, version_data=data)


if __name__ == "__main__":
    main()
