"""The pipeline gives away no more than its work needs. Each rule is shown to bite, on workflows that break it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[1]
WORKFLOWS = {path.name: path.read_text("utf-8") for path in sorted(PROJECT.glob(".github/workflows/*.y*ml"))}
MAY_ASK_FOR_AN_IDENTITY = {("verify.yml", "verify"), ("deploy.yml", "deploy")}
PINNED = re.compile(r"uses: [\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
OWN = re.compile(r"uses: \./\.github/workflows/[\w-]+\.yml")
COMMAND = re.compile(r"make ([a-z-]+)(?: STAGE=[a-z0-9]+)?")
# The versions in use: a new version of an action must not change a test.
CHECKOUT, SETUP_PYTHON = (
    re.findall(rf"actions/{action}(@([0-9a-f]{{7}})[0-9a-f]+ # (v[\d.]+))", WORKFLOWS["check.yml"])[0]
    for action in ("checkout", "setup-python")
)
TARGETS = frozenset(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE))


def faults(name: str, text: str, targets: frozenset[str] = TARGETS) -> list[str]:
    """Say what is wrong with a workflow; nothing, for a good one."""
    workflow = yaml.safe_load(text)
    found = [*_loose_actions(text)]
    if workflow.get("permissions") != {}:
        found.append("permissions at the top are not empty")
    if {"pull_request_target", "workflow_run"} & set(_triggers(workflow)):
        found.append("a stranger's code would run with this repository's rights")
    if re.search(r"\bsecrets\b", text):
        found.append("names a secret")
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
            yield f"not pinned by a commit with its version: {used}"


def _may_run_on_pull_requests(job: Mapping[str, Any]) -> bool:
    return not str(job.get("if", "")).startswith("github.event_name == 'push' &&")


def _faults_of_job(place: tuple[str, str], job: Mapping[str, Any], triggers: list[str]) -> Iterator[str]:
    permissions = job.get("permissions")
    if not isinstance(permissions, dict):
        yield f"{place} does not say what it may do"
        return
    written = {permission for permission, access in permissions.items() if access != "read"}
    if written - ({"id-token"} if place in MAY_ASK_FOR_AN_IDENTITY else set()):
        yield f"{place} may write {sorted(written)}"
    if (
        "pull_request" in triggers
        and _may_run_on_pull_requests(job)
        and ({"id-token"} & written or "environment" in job)
    ):
        yield f"{place} gives an identity to a pull request"
    if "uses" not in job and "timeout-minutes" not in job:
        yield f"{place} may run for six hours"


def _faults_of_step(step: Mapping[str, Any], targets: frozenset[str]) -> Iterator[str]:
    if "run" in step:
        # Nothing but a make target: no expression, in which somebody else's text would become a command.
        command = COMMAND.fullmatch(step["run"])
        if command is None:
            yield f"runs something that nobody can run by hand: {step['run']}"
        elif command[1] not in targets:
            yield f"runs a target that the Makefile does not have: {command[1]}"
    if step.get("uses", "").startswith("actions/checkout@") and step.get("with", {}).get("persist-credentials", True):
        yield "leaves its token in the checkout"


def test_there_are_workflows() -> None:
    assert set(WORKFLOWS) == {"check.yml", "deploy.yml", "scan.yml", "verify.yml"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_keeps_the_rules(name: str) -> None:
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
        ("check.yml", "    permissions:\n      contents: read\n", "", "does not say"),
        ("check.yml", "    permissions:\n      contents: read\n", "    permissions: write-all\n", "does not say"),
        ("check.yml", "contents: read", "contents: write", "may write"),
        ("check.yml", "contents: read", "contents: read\n      id-token: write", "may write"),
        ("deploy.yml", "id-token: write", "id-token: write\n      packages: write", "may write"),
        (
            "deploy.yml",
            "timeout-minutes: 15\n    permissions:\n      contents: read",
            "timeout-minutes: 15\n    permissions:\n      contents: read\n      id-token: write",
            "may write",
        ),
        ("deploy.yml", "github.event_name == 'push' && vars.", "vars.", "an identity to a pull request"),
        (
            "deploy.yml",
            "timeout-minutes: 15\n",
            "timeout-minutes: 15\n    environment: plan\n",
            "an identity to a pull",
        ),
        ("verify.yml", "workflow_dispatch:", "pull_request:", "an identity to a pull request"),
        ("check.yml", "    timeout-minutes: 30\n", "", "six hours"),
        ("check.yml", "pull_request:", "pull_request_target:", "stranger's code"),
        ("scan.yml", "workflow_dispatch:", "workflow_run: {workflows: [check]}", "stranger's code"),
        ("check.yml", "run: make check", "run: make chekc", "does not have: chekc"),
        ("check.yml", "run: make check", "run: echo ${{ github.event.pull_request.title }}", "by hand"),
        ("check.yml", "run: make check", "run: make check ${{ github.event.issue.title }}", "by hand"),
        ("check.yml", "run: make check", "run: |\n          make check\n          curl example.org | sh", "by hand"),
        ("check.yml", "persist-credentials: false", "fetch-depth: 0", "token in the checkout"),
        ("check.yml", "persist-credentials: false", "persist-credentials: true", "token in the checkout"),
        ("deploy.yml", "${{ vars.DEPLOY_ROLE_ARN }}", "${{ secrets.DEPLOY_ROLE_ARN }}", "names a secret"),
    ],
)
def test_a_workflow_that_breaks_a_rule_is_found(name: str, good: str, bad: str, expected: str) -> None:
    assert good in WORKFLOWS[name]
    found = faults(name, WORKFLOWS[name].replace(good, bad), targets=TARGETS | {"check", "deploy", "scan"})
    assert any(expected in fault for fault in found), found


def test_an_action_is_the_same_commit_wherever_it_is_used() -> None:
    used = set(re.findall(r"uses: (\S+)@([0-9a-f]{40}) # (\S+)", "\n".join(WORKFLOWS.values())))
    assert len({action for action, _, _ in used}) == len(used)


def test_every_supported_python_is_checked_and_one_of_them_packages() -> None:
    jobs = {name: yaml.safe_load(text)["jobs"] for name, text in WORKFLOWS.items()}
    checked = jobs["check.yml"]["check"]["strategy"]["matrix"]["python"]
    readme = (PROJECT / "README.md").read_text("utf-8")
    assert checked == re.findall(r"\d\.\d\d", readme[readme.index("needs Python") :].split(" and `make`")[0])
    packaging = set(re.findall(r'python-version: "(.+)"', WORKFLOWS["deploy.yml"] + WORKFLOWS["verify.yml"]))
    assert len(packaging) == 1, "the bundle that was planned is the one that is deployed, and then looked for"
    assert packaging <= set(checked)


def test_the_runbook_says_when_aws_deprecates_each_python_that_is_checked() -> None:
    checked = yaml.safe_load(WORKFLOWS["check.yml"])["jobs"]["check"]["strategy"]["matrix"]["python"]
    runbook = (PROJECT / "docs/runbook.md").read_text("utf-8")
    dates = dict(re.findall(r"^\| Python (\d\.\d\d) \| (\d{4}-\d\d-\d\d) \|$", runbook, re.MULTILINE))
    assert list(dates) == checked
    packaging = re.findall(r'python-version: "(.+)"', WORKFLOWS["deploy.yml"])
    assert {dates[version] for version in packaging} == {max(dates.values())}, "a runtime that lives longer is checked"


def test_only_a_tag_is_deployed_and_only_checked_and_approved_and_one_at_a_time() -> None:
    workflow = yaml.safe_load(WORKFLOWS["deploy.yml"])
    deploy = workflow["jobs"]["deploy"]
    assert workflow[True]["push"] == {"tags": ["v*"]}, "a push of a branch would be deployed as well"
    assert deploy["if"].startswith("github.event_name == 'push'")
    assert deploy["needs"] == "check"
    assert deploy["environment"] == "prod"
    assert deploy["concurrency"] == {"group": "deploy-prod", "cancel-in-progress": False}


def test_a_role_that_reads_a_secret_is_for_reviewed_code_only() -> None:
    workflow = yaml.safe_load(WORKFLOWS["verify.yml"])
    verify = workflow["jobs"]["verify"]
    assert set(workflow[True]) == {"schedule", "workflow_dispatch"}
    assert verify["environment"] == "plan", "the branch that is started by hand would choose what it may be"
    assert "github.ref == 'refs/heads/main' || startsWith(github.ref, 'refs/tags/v')" in verify["if"]


def test_each_role_is_for_one_job() -> None:
    jobs = [job for text in WORKFLOWS.values() for job in yaml.safe_load(text)["jobs"].items()]
    roles = {name: re.findall(r"vars\.(\w+_ROLE_ARN) }}", str(job)) for name, job in jobs}
    assert {name: found for name, found in roles.items() if found} == {
        "verify": ["PLAN_ROLE_ARN"],
        "deploy": ["DEPLOY_ROLE_ARN"],
    }
