"""List the tests that ``make test`` leaves to ``make test-all``, with the reasons.

The first tier checks each change: rules, SQL statements, pages, contracts of DAGs, integration on a real PostgreSQL, a
sender that dies at each step, and the smoke test, which starts one Airflow with the demo. The second tier has the
other tests. A test belongs to the first tier unless it is named here.
"""

from __future__ import annotations

from collections.abc import Mapping

SECOND_TIER: Mapping[str, str] = {
    "compose/test_before_go_live.py": "tests a server's handbooks, which change separately from the code",
    "compose/test_compose.py": "tests a server's files, which change separately from the code",
    "compose/test_handbook.py": "tests a server's handbooks, which change separately from the code",
    "crash/test_crash_points.py::test_harness_finds_out_each_sender_that_is_broken_on_purpose": (
        "tests the code that judges a crashed sender, not the program"
    ),
    "crash/test_crash_points.py::test_network_entry_counts_for_the_seed_that_it_is_of_whenever_it_comes": (
        "tests the code that judges a crashed sender, not the program"
    ),
    "crash/test_crash_points.py::"
    "test_postgresql_and_the_gateway_may_die_while_sending_and_nothing_is_doubled_or_lost": "draws seeds at random",
    "crash/test_message_states.py::test_whatever_happens_states_tell_the_truth": "draws events at random",
    "gateways/test_contract.py::test_reports_and_inquiries_of_any_shape_are_read_without_raising": (
        "draws reports at random"
    ),
    "image": "tests the image and the bundle for a server without internet",
    **{
        f"integration/backup/test_backup.py::{name}": "is a small `make prove ONLY=restore`"
        for name in (
            "test_backup_made_while_writing_goes_on_restores_to_a_ledger_that_balances",
            "test_dump_that_pg_restore_refuses_leaves_the_database_empty",
            "test_publications_of_an_object_store_come_and_go_likewise",
        )
    },
    "integration/intake/test_vendors_software.py::test_ledger_holds_each_step_once_and_each_dossier_as_it_is": (
        "tests the demo's software that pushes, from which the smoke test gets messages"
    ),
    "integration/installing/test_set_up.py::test_ctrl_c_keeps_what_was_answered_and_the_next_time_goes_on_from_there": (
        "presses Ctrl-C in a terminal, and starts set-up again"
    ),
    "integration/personal_data/test_requests.py::test_export_holds_nothing_after_an_erasure": (
        "is the whole way of an erasure; each of its steps has a test of its own"
    ),
    "integration/planning/test_apologizing.py::"
    "test_three_weeks_of_outages_yield_exactly_the_apologies_that_the_rules_name": "draws three weeks at random",
    **{
        f"integration/planning/test_planted_values.py::{name}": "is a small `make prove ONLY=values`"
        for name in (
            "test_planted_values_do_no_harm",
            "test_proof_notices_a_healthy_dossier_that_came_out_otherwise",
        )
    },
    "integration/publications/test_publishing.py::"
    "test_try_that_died_and_of_which_something_changed_since_is_left_and_the_next_one_publishes": (
        "lets further tries die; another test of the file lets one die at each step"
    ),
    "integration/publications/test_s3_store.py": "needs a real object store",
    "integration/reconciliation/test_reconciliation_world.py::"
    "test_closings_of_eight_days_tell_what_the_oracle_counted": "is a small `make prove ONLY=reconciliation`",
    "integration/quality/test_broken_agencies.py::"
    "test_fault_is_told_of_its_agency_and_the_others_are_checked_as_without_it": (
        "checks a province seven times; other tests of the file have a broken agency too"
    ),
    "integration/quality/test_broken_agencies.py::test_rows_without_a_known_agency_affect_no_other_agency": (
        "checks a province twice; another test of the file has a broken agency"
    ),
    "integration/quality/test_quality_proof.py": "is a small `make prove ONLY=quality`",
    "integration/quality/test_rechecking.py::"
    "test_dossiers_of_all_sorts_are_judged_by_themselves_as_the_next_run_judges_them": "draws dossiers at random",
    "integration/reconciliation/test_long_periods.py": "is a small `make prove ONLY=reconciliation`",
    "integration/sending/test_real_kannel.py": "needs a real Kannel and a carrier behind it",
    "integration/sending/test_told_once_over_both.py": "draws answers at random",
    "integration/tls": "needs certificates and encrypted connections",
    "integration/test_long_past.py::test_a_long_past_is_picked_up_as_one_row_after_the_other_would_be": (
        "draws a past at random"
    ),
    "integration/watching/test_elsewhere.py": "needs certificates, and servers that hang",
    "integration/watching/test_watch.py::test_airflow_that_answers_nonsense_is_one_line_of_the_log_and_an_alert": (
        "gives fifteen kinds of nonsense; other tests of the file have an Airflow that is away or unhealthy"
    ),
    "integration/upkeep/test_cleaning_airflow.py": "needs a metadata database of Airflow's own",
    "integration/upkeep/test_whose_backfill.py": "needs a metadata database of Airflow's own",
    "journeys": "opens each page at each size in a real browser",
    "live": "starts an Airflow of its own",
    "restore": "starts several servers of PostgreSQL",
    "sandbox/network/test_phone_network.py": "tests the simulated carrier, which the smoke test sends through",
    "sandbox/test_demo.py::test_ctrl_c_during_the_set_up_leaves_no_process": "starts a demo of its own",
    "sandbox/test_demo.py::test_demo_goes_on_from_the_smoke_until_ctrl_c_which_leaves_no_process": (
        "starts the demo a second time"
    ),
    **{
        f"sandbox/test_deployment.py::{name}": "starts commands beside a demo of its own"
        for name in (
            "test_backup_is_made_beside_a_demo",
            "test_command_beside_a_demo_is_about_it_and_needs_nothing_set",
            "test_what_keeps_a_demo_from_running_is_a_sentence_with_what_to_set",
        )
    },
    **{
        f"sandbox/test_past.py::{name}": "plays months of the demo's past"
        for name in (
            "test_a_month_of_the_demos_past_is_purged_while_every_publication_holds",
            "test_one_agency_improves_and_one_games_its_dates",
        )
    },
    "sql/test_query_plans.py": "fills a long ledger, as `make prove ONLY=plans` does",
    "sandbox/test_supervisor.py": "tests the demo's supervisor, which the smoke test starts and stops",
    "sandbox/test_world.py": "tests the demo's one-stop world, which the smoke test plays",
    "unit/reports/test_publication.py::test_every_report_can_be_printed_shown_and_made_again": (
        "prints each kind of report with Typst; tests of publications print the common ones"
    ),
    "unit/reports/test_publication.py::test_correction_names_the_old_publication_in_print_page_and_workbook": (
        "prints with Typst; tests of publications print the common reports"
    ),
    "unit/reports/test_publication.py::test_no_cell_of_any_workbook_is_a_formula": (
        "makes each kind of workbook; tests of lists and of publications read the common ones"
    ),
    "unit/test_tests_can_fail.py": "tests the tests, not the program",
    "upgrade": "runs an earlier version beside this one",
    "web/gateways/test_real_server.py::test_airflows_server_writes_a_masked_line_for_whatever_is_asked": (
        "starts an API server of Airflow"
    ),
    "web/pages/oversight/test_quality_figures.py::test_each_figure_leads_to_as_many_rows_as_it_says": (
        "opens each figure of a province; other tests of the file open some"
    ),
    "web/pages/test_fab.py": "starts an API server of Airflow",
}
"""For each folder, file or ``file::test`` below tests, why it does not run with each change."""


def why_second(file: str, test: str) -> str | None:
    """Return why a test belongs to the second tier, or ``None`` if it belongs to the first.

    ``file`` is a path below tests.
    """
    folders = file.split("/")
    names = ["/".join(folders[: number + 1]) for number in range(len(folders))]
    return next((SECOND_TIER[name] for name in (*names, f"{file}::{test}") if name in SECOND_TIER), None)
