"""Every row of the published list of attacks, and what in tests/ shows its required verdict.

A row is a test's place in tests/, "file::function", with words of one of its cases where it has
several; or, when nothing here can show it, a sentence that says why.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """test: "file::function" below tests/.  case: words that stand in that file, for one case."""

    test: str
    case: str = ""


@dataclass(frozen=True)
class Untested:
    because: str


_FORGED = "adversarial/test_forgeries.py::test_no_forgery_is_proven"
_HONEST = "adversarial/test_forgeries.py::test_odd_but_honest_code_is_proven"
_HOSTILE = (
    "adversarial/test_hostile_workers.py::test_a_hostile_worker_costs_one_row_and_bounded_time"
)
_INGEST = "adversarial/test_ingest.py::"
_ODD_NAME = f"{_INGEST}test_odd_names_are_refused"
_NO_SOURCE = f"{_INGEST}test_what_is_no_source_is_refused_in_one_sentence"
_PLANTED = f"{_INGEST}test_files_that_are_no_lessons_change_nothing"
_REACHED = "adversarial/test_isolation.py::test_no_attempt_reaches_what_its_sandbox_must_stop"
_OUTCOME = "grader/test_sandbox.py::test_every_check_gets_exactly_one_outcome"
_TRAINED = "adversarial/test_forgeries.py::test_no_trick_in_the_training_is_proven"
_ARTIFACT = "github/test_artifact.py::test_a_hostile_verdict_is_refused_with_a_sentence"
_SYNTAX = "grader/test_lesson.py::test_a_syntax_error_is_reported_with_the_line_of_the_lesson"
_PROBED = "mutants/test_mutants.py::test_every_bug_fails_a_probe"
_WORKFLOWS = "github/test_workflows.py::"

ROWS: dict[str, tuple[Shown | Untested, ...]] = {
    # Controls.
    "H01": (Shown(_HONEST, "as it is"),),
    "H02": (Shown("mutants/test_right_libraries.py::test_every_right_library_passes_everything"),),
    "H03": (Shown("grader/test_probes.py::test_an_untouched_starter_is_to_do"),),
    "H04": (Shown(_HONEST, "prints a lot"),),
    # Forging a pass.
    "F01": (Shown(_FORGED, "patched runner"),),
    "F03": (Shown(_FORGED, "patched comparison"),),
    "F05": (Shown(_FORGED, "exit at import"),),
    "F07": (Shown(_FORGED, "exit in a call"),),
    "F09": (Shown(_FORGED, "own results"),),
    "F11": (Shown(_PLANTED, "F11 tests of their own"),),
    "F13": (Shown(_PLANTED, "F13 conftest.py"),),
    "F15": (Shown(_PLANTED, "F15 usercustomize.py"),),
    "F17": (Shown(_PLANTED, "F17 pytest.ini"),),
    "F19": (Shown(_PLANTED, "F19 setup.cfg"),),
    "F21": (Shown(_PLANTED, "F21 numpy"),),
    "F23": (Shown(_FORGED, "lying numpy"),),
    "F25": (Shown(_FORGED, "rewritten frames"),),
    "F27": (Shown(_FORGED, "destructor"),),
    "F29": (Shown(_FORGED, "thread"),),
    "F31": (Shown(_FORGED, "forged frames"), Shown(_FORGED, "forged channel")),
    "F33": (Shown(_FORGED, "liar objects"), Shown(_FORGED, "objects")),
    "F35": (Shown(_FORGED, "complex"),),
    "F37": (
        Shown("adversarial/test_forgeries.py::test_differentiating_numerically_costs_too_much"),
    ),
    "F39": (Shown(_FORGED, "guessed answers"), Shown(_TRAINED, "F39 answers by heart")),
    "F41": (Shown(_HONEST, "looks for the labels"),),
    "F43": (Shown(_FORGED, "torch"),),
    "F45": (Shown(_FORGED, "invented losses"), Shown(_TRAINED, "F45 invented losses")),
    "F47": (Shown(_FORGED, "planted"),),
    "F49": (
        Shown(
            "adversarial/test_forgeries.py::"
            "test_a_bias_gradient_that_is_lost_in_broadcasting_is_named"
        ),
    ),
    "F51": (Shown(_PLANTED, "F51 compiled"),),
    "F53": (Shown(_FORGED, "kills its parent"), Shown(_HOSTILE, "F53 kills its parent")),
    "F55": (Shown(_FORGED, "arguments"),),
    # The worker is theirs.
    "P01": (Shown(_FORGED, "no learning"),),
    "P03": (
        Shown("adversarial/test_forgeries.py::test_differentiating_numerically_costs_too_much"),
        Shown("grader/test_milestones_evidence.py::test_numerical_differentiation_costs_too_much"),
    ),
    "P05": (Shown(_FORGED, "replay"),),
    "P07": (Shown(_FORGED, "jump"), Shown(_FORGED, "fits a jump"), Shown(_TRAINED, "P07 one step")),
    "P09": (Shown(_FORGED, "not a number"), Shown(_FORGED, "infinite")),
    "P11": (Shown(_FORGED, "small steps"), Shown(_TRAINED, "P11 small steps")),
    "P13": (Shown(_FORGED, "frozen bias"), Shown(_TRAINED, "P13 one bias")),
    "P15": (Shown(_FORGED, "other answers"),),
    # Availability.
    "A01": (Shown("grader/test_sandbox.py::test_what_never_ends_is_stopped"),),
    "A03": (
        Shown(_HOSTILE, "A03"),
        Shown("grader/test_sandbox.py::test_more_numpy_than_there_is_memory_says_so"),
    ),
    "A05": (Shown(_HOSTILE, "A05"),),
    "A07": (Shown(_HOSTILE, "A07"),),
    "A09": (Shown("grader/test_sandbox.py::test_output_past_every_limit_is_stopped"),),
    "A11": (
        Shown("grader/test_sandbox.py::test_recursion_without_a_limit_ends_somehow"),
        Shown(_FORGED, "endless recursion"),
    ),
    "A13": (Shown(_OUTCOME, "segfault"),),
    "A15": (Shown(_OUTCOME, "Ctrl-C"),),
    "A17": (Shown("grader/test_sandbox.py::test_what_never_ends_is_stopped", "stops itself"),),
    "A19": (Shown(_HOSTILE, "A19"),),
    "A21": (Shown(_HOSTILE, "A21"),),
    "A23": (Shown(_HOSTILE, "A23"), Shown(_FORGED, "byte by byte")),
    "A25": (Shown(_FORGED, "negative sizes"), Shown(_FORGED, "other shapes")),
    "A27": (Shown(_HONEST, "leaves odd folders"),),
    "A29": (Shown(_HOSTILE, "A29"), Shown(f"{_INGEST}test_a_huge_file_is_never_read")),
    "A31": (
        Shown("adversarial/test_hostile_workers.py::test_shared_memory_is_given_back"),
        Untested("the portable sandbox does not stop it, and docs/isolation.md says so"),
    ),
    # Broken or deceptive sources.
    "S01": (Shown(_SYNTAX, "in exported code"),),
    "S03": (Shown(_NO_SOURCE, "S03"),),
    "S05": (Shown(_NO_SOURCE, "S05"),),
    "S07": (Shown(_NO_SOURCE, "S07 unknown coding"),),
    "S09": (Shown(_ODD_NAME, "S09"),),
    "S11": (Shown(_SYNTAX, "S11"),),
    "S13": (Shown(f"{_INGEST}test_a_pipe_in_the_place_of_a_lesson_is_not_opened"),),
    "S15": (Shown(f"{_INGEST}test_a_link_is_refused_and_costs_its_own_module_only"),),
    "S17": (Shown(_HOSTILE, "S17 brackets"), Shown(_HOSTILE, "S17 200,000")),
    "S19": (
        Shown("grader/test_engine.py::test_a_module_without_its_export_is_proven_but_not_complete"),
        Shown("github/test_doors.py::test_a_repository_of_something_else_is_said_and_is_no_zero"),
    ),
    # Reaching the host.
    "I01": (Shown(_REACHED, "read_hidden"),),
    "I03": (Shown(_REACHED, "tcp"), Shown(_HONEST, "talks to the network")),
    "I05": (Shown(_REACHED, "secret"), Shown(_HONEST, "looks for credentials")),
    "I07": (Shown(_REACHED, "sudo"),),
    # The repository.
    "G01": (Shown(f"{_INGEST}test_attributes_are_not_obeyed", "export-ignore"),),
    "G02": (Shown(f"{_INGEST}test_attributes_are_not_obeyed", "working-tree-encoding"),),
    "G03": (Shown(f"{_INGEST}test_attributes_are_not_obeyed", "filter=evil"),),
    "G04": (Shown(f"{_INGEST}test_nothing_that_the_repository_names_is_started", "post-checkout"),),
    "G05": (Shown(f"{_INGEST}test_nothing_that_the_repository_names_is_started", "fsmonitor"),),
    "G06": (Shown(f"{_INGEST}test_nothing_that_the_repository_names_is_started", "diff.external"),),
    "G07": (Shown(f"{_INGEST}test_a_folder_that_is_a_link_is_named"),),
    "G08": (Shown(f"{_INGEST}test_a_link_is_refused_and_costs_its_own_module_only"),),
    "G09": (Shown(f"{_INGEST}test_a_submodule_is_named_and_never_fetched"),),
    "G10": (Shown(f"{_INGEST}test_entries_that_lead_elsewhere_are_refused", '".git"'),),
    "G11": (Shown(f"{_INGEST}test_entries_that_lead_elsewhere_are_refused", '".."'),),
    "G12": (Shown(f"{_INGEST}test_names_that_differ_by_case_are_both_refused"),),
    "G13": (Shown(_ODD_NAME, "G13 aux.py"),),
    "G14": (Shown(_ODD_NAME, "G14 shell"), Shown(_ODD_NAME, "G14 newline")),
    "G15": (Shown(f"{_INGEST}test_names_that_are_not_utf8_are_refused"),),
    "G16": (Shown(_NO_SOURCE, "G16"), Shown(f"{_INGEST}test_a_huge_file_is_never_read")),
    "G17": (Shown(f"{_INGEST}test_a_git_bomb_is_refused_at_once"),),
    "G18": (Shown(f"{_INGEST}test_replacements_are_ignored"),),
    "G19": (Shown(f"{_INGEST}test_borrowed_objects_are_refused"),),
    "G20": (Shown(f"{_INGEST}test_notes_say_nothing"),),
    "G21": (
        Shown(f"{_INGEST}test_whoever_signs_and_whenever_the_content_is_what_counts"),
        Untested("when a push arrived is known to the server alone"),
    ),
    "G22": (
        Shown(f"{_INGEST}test_a_commit_that_no_branch_holds_any_more_is_read_by_its_id"),
        Shown(
            "github/test_state.py::test_earned_is_kept_when_later_code_fails_and_since_when_is_known"
        ),
    ),
    "G23": (Shown(f"{_INGEST}test_a_merge_that_brings_old_code_back_is_what_it_holds"),),
    "G24": (Shown(f"{_INGEST}test_what_names_no_commit_is_refused"),),
    "G25": (Shown(f"{_INGEST}test_a_pointer_to_large_storage_is_a_text_like_any_other"),),
    "G26": (Shown(f"{_INGEST}test_a_repository_inside_the_repository_changes_nothing"),),
    "G27": (Shown(f"{_INGEST}test_whoever_signs_and_whenever_the_content_is_what_counts"),),
    "G28": (
        Shown(f"{_INGEST}test_a_damaged_object_costs_its_own_module_only", "G28 bomb"),
        Untested("what a push may hold is decided by the server that receives it"),
    ),
    # The course, its runs, the student's own machine.
    "C01": (
        Shown(_PLANTED, "C01"),
        Shown("github/test_pipeline.py::test_a_fork_is_judged_by_the_base_and_can_change_no_rule"),
    ),
    "C02": (
        Shown(_PLANTED, "C02"),
        Shown("github/test_classroom50.py::test_a_checkout_cannot_bring_its_own_grader_or_rules"),
    ),
    "C03": (
        Shown("github/test_pipeline.py::test_a_fork_is_judged_by_the_base_and_can_change_no_rule"),
        Shown(f"{_WORKFLOWS}test_awarding_follows_the_verification_by_name_and_checks_its_file"),
    ),
    "C04": (Shown(_PLANTED, "C04"),),
    "C05": (Shown(_ARTIFACT, "another commit"), Shown(_ARTIFACT, "another repository")),
    "C06": (Shown(_ARTIFACT, "another commit"),),
    "C07": (Shown(f"{_WORKFLOWS}test_no_job_that_runs_student_code_sees_a_token"),),
    "C08": (
        Shown("grader/test_sandbox.py::test_the_callers_environment_stays_outside"),
        Shown(_REACHED, "overwrite"),
    ),
    "C09": (
        Shown("github/test_verify.py::test_student_text_is_no_command_in_the_log"),
        Shown("reports/test_escape.py::test_a_line_of_the_log_is_no_command", "::add-mask::"),
    ),
    "C10": (Shown(f"{_WORKFLOWS}test_verification_takes_its_rules_from_the_base"),),
    "C11": (
        Shown(f"{_WORKFLOWS}test_nothing_is_written_to_a_cache_and_every_job_ends"),
        Shown("github/test_artifact.py::test_hostile_bytes_are_refused_with_a_sentence"),
    ),
    "C12": (
        Shown(f"{_WORKFLOWS}test_every_run_is_one_line_that_calls_python_and_holds_no_expression"),
    ),
    "C13": (Shown(_REACHED, "memory"), Shown(_REACHED, "environ"), Shown(_REACHED, "sudo")),
    "C14": (Shown(_PLANTED, "C14"),),
    "C15": (Shown(_PLANTED, "C15"),),
    "C16": (
        Shown("git/test_commits.py::test_wrong_code_past_the_hook_is_not_complete"),
        Shown("git/test_commits.py::test_hooks_that_are_absent"),
    ),
    "C17": (
        Shown("adversarial/test_corpus.py::test_no_limit_is_told_by_a_clock_that_somebody_sets"),
        Shown("grader/test_judge.py::test_judging_needs_no_files_no_processes_and_no_clock"),
    ),
    "C18": (
        Shown("github/test_pipeline.py::test_a_fork_is_judged_by_the_base_and_can_change_no_rule"),
        Untested("whoever owns a machine can edit anything on it: advice is no grade"),
    ),
    "C19": (Shown(f"{_WORKFLOWS}test_every_machine_is_thrown_away_afterwards"),),
    "C20": (Shown("grader/test_milestones.py::test_the_same_code_meets_the_same_challenge"),),
    "C21": (
        Shown("grader/test_milestones.py::test_other_code_meets_another_challenge"),
        Untested("how often somebody may push is decided by the server"),
    ),
    "C22": (
        Shown(
            "grader/test_engine.py::test_a_file_that_changes_while_it_is_graded_is_graded_as_it_was"
        ),
        Shown("github/test_doors.py::test_a_commit_is_judged_and_not_the_files_beside_it"),
    ),
    "C23": (
        Shown("github/test_artifact.py::test_trust_and_names_are_the_readers_own"),
        Untested("which repository is whose is in the roster of the class, not here"),
    ),
    "C24": (
        Shown(f"{_INGEST}test_an_empty_repository_is_refused"),
        Shown("github/test_pipeline.py::test_a_default_branch_of_another_name_awards_badges"),
    ),
    "C25": (
        Shown("github/test_doors.py::test_a_missing_repository_is_said"),
        Untested("every repository is judged by a run of its own: there is no batch to lose"),
    ),
    # What is shown.
    "D01": (
        Shown("grader/test_sandbox.py::test_no_control_character_reaches_the_terminal"),
        Shown("github/test_artifact.py::test_hostile_text_is_shown_as_text", "an escape"),
    ),
    "D02": (Shown("reports/test_escape.py::test_nothing_a_student_wrote_is_markup_in_a_comment"),),
    "D03": (Shown("adversarial/test_corpus.py::test_no_report_is_opened_as_a_spreadsheet"),),
    "D04": (
        Shown("grader/test_sandbox.py::test_what_a_forger_says_is_cut_to_a_readable_length"),
        Shown("reports/test_registry.py::test_every_file_is_small"),
    ),
    "D05": (Shown(_FORGED, "own results"),),
    "D06": (
        Shown(_ODD_NAME, "D06"),
        Shown("reports/test_registry.py::test_nothing_steers_the_reader"),
    ),
    "D07": (Shown("grader/test_probes.py::test_the_worker_is_told_no_expected_value"),),
    "D08": (
        Shown("grader/test_sandbox.py::test_what_is_no_text_is_not_printed"),
        Shown("reports/test_registry.py::test_json_is_json_without_nan_and_xml_is_well_formed"),
    ),
    # Learning.
    "M01": (
        Shown(
            "grader/test_milestones_evidence.py::test_gradients_that_take_too_long_fail_the_cost"
        ),
        Untested("vectorised well enough it passes: docs/trust.md says so"),
    ),
    "M03": (
        Shown(
            "adversarial/test_flags.py"
            "::test_other_gradient_rules_than_those_of_the_lesson_are_proven_and_flagged"
        ),
    ),
    "M05": (Shown(_TRAINED, "M05"),),
    "M07": (Shown(_FORGED, "one time in two"),),
    "M09": (Shown(_FORGED, "leaves one out"), Shown(_FORGED, "other names")),
    "M11": (Shown(_PROBED), Shown("lessons/test_mutants.py::test_every_classic_bug_is_caught")),
    "M13": (Shown(_FORGED, "one wrong entry"), Shown(_FORGED, "one step of a hundred")),
    "M15": (Shown("adversarial/test_corpus.py::test_whole_numbers_are_small_enough_for_any_type"),),
    "M17": (Shown("grader/test_milestones.py::test_the_same_code_meets_the_same_challenge"),),
    "M19": (
        Shown("grader/test_milestones_evidence.py::test_a_different_but_correct_library_passes"),
        Shown("mutants/test_right_libraries.py::test_every_right_library_passes_everything"),
    ),
    # Other students.
    "X01": (
        Shown("adversarial/test_hostile_workers.py::test_no_worker_ends_another"),
        Shown(
            "adversarial/test_hostile_workers.py::test_hostile_and_honest_workers_run_side_by_side"
        ),
    ),
    "X02": (
        Shown(_REACHED, "write_new"),
        Shown(_REACHED, "shm"),
        Shown(_REACHED, "unix_name"),
        Shown(_REACHED, "tcp"),
    ),
    "X03": (Shown(_REACHED, "poison_numpy"), Shown(_REACHED, "poison_python")),
    "X04": (Shown("adversarial/test_hostile_workers.py::test_no_process_stays"),),
    "X05": (
        Shown("adversarial/test_hostile_workers.py::test_a_worker_ends_with_its_grader"),
        Shown(
            "grader/test_ledger.py::test_a_write_that_fails_leaves_the_old_content_and_no_litter"
        ),
    ),
    "X06": (
        Shown(_HOSTILE, "a billion empty files"),
        Shown("adversarial/test_hostile_workers.py::test_a_fork_bomb_is_stopped"),
    ),
    "X07": (
        Shown(
            "grader/test_ledger.py::"
            "test_several_processes_write_at_once_and_readers_see_whole_files"
        ),
    ),
    "X08": (
        Shown("adversarial/test_corpus.py::test_no_limit_is_told_by_a_clock_that_somebody_sets"),
    ),
}
