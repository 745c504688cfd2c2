"""What a stage may add for safety: a firewall, and a key of its own."""

import json
from collections.abc import Iterator

from botocore.exceptions import ClientError

from infra.checks.check import Check
from infra.checks.compare import differing, same, shown, unexpected
from infra.checks.live import Live


def _firewall(live: Live) -> Iterator[str]:
    for expected in live.expected.of("AWS::WAFv2::WebACLAssociation").values():
        actual = _web_acl_of(live, expected["ResourceArn"])
        if actual != expected["WebACLArn"]:
            yield f"before {expected['ResourceArn']} stands {shown(actual)}"


def _web_acl_of(live: Live, resource: str) -> str | None:
    try:
        acl: dict[str, str] = live.ask("wafv2", "get_web_acl_for_resource", ResourceArn=resource).get("WebACL", {})
    except ClientError as error:
        if error.response["Error"]["Code"] != "WAFNonexistentItemException":
            raise
        return None
    return acl.get("ARN")


def _rules(live: Live) -> Iterator[str]:
    for logical, expected in live.expected.of("AWS::WAFv2::WebACL").items():
        name, identity, _ = live.physical[logical].split("|")
        acl = live.ask("wafv2", "get_web_acl", Name=name, Id=identity, Scope=expected["Scope"])["WebACL"]
        yield from differing(name, acl, {"DefaultAction": expected["DefaultAction"]})
        actual = {rule["Name"]: rule for rule in acl["Rules"]}
        rules = {rule["Name"]: rule for rule in expected["Rules"]}
        yield from unexpected(f"rule of {name}:", set(actual), set(rules))
        for rule in sorted(rules.keys() & actual.keys()):
            yield from differing(rule, actual[rule], rules[rule])


def _key(live: Live) -> Iterator[str]:
    for logical, expected in live.expected.of("AWS::KMS::Key").items():
        key = live.physical[logical]
        yield from differing(key, live.ask("kms", "describe_key", KeyId=key)["KeyMetadata"], {"KeyState": "Enabled"})
        if not live.ask("kms", "get_key_rotation_status", KeyId=key)["KeyRotationEnabled"]:
            yield f"{key} is not renewed every year"
        policy = live.ask("kms", "get_key_policy", KeyId=key, PolicyName="default")["Policy"]
        if not same(json.loads(policy), expected["KeyPolicy"]):
            yield f"{key} may be used by others than the template's"


CHECKS = (
    Check("firewall", "The firewall stands before the user pool and the REST API, if the stage wants one", _firewall),
    Check("firewall-rules", "The firewall has the rules of the template, if the stage wants one", _rules),
    Check("data-key", "The key of the stage, if it has one, is in use, renewed, and for whom the template says", _key),
)
