"""Checks the optional protection of a stage: a web ACL, and a customer managed key."""

import json
from collections.abc import Iterator

from botocore.exceptions import ClientError

from infra.checks.check import Check
from infra.checks.compare import differing, same, shown, unexpected
from infra.checks.live import Live


def _firewall(live: Live) -> Iterator[str]:
    for _, _, expected in live.all_expected("AWS::WAFv2::WebACLAssociation"):
        resource, acl = expected["ResourceArn"], expected["WebACLArn"]
        actual = _web_acl_of(live, resource)
        if actual != acl:
            yield f"The web ACL of {resource} is {shown(actual)}. Expected: {shown(acl)}."


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
        yield from unexpected("rule", set(actual), set(rules), of=name)
        for rule in sorted(rules.keys() & actual.keys()):
            yield from differing(rule, actual[rule], rules[rule])


def _key(live: Live) -> Iterator[str]:
    for logical, expected in live.expected.of("AWS::KMS::Key").items():
        key = live.physical[logical]
        yield from differing(key, live.ask("kms", "describe_key", KeyId=key)["KeyMetadata"], {"KeyState": "Enabled"})
        if not live.ask("kms", "get_key_rotation_status", KeyId=key)["KeyRotationEnabled"]:
            yield f"Yearly rotation of the key {key} is off. Expected: on."
        policy = live.ask("kms", "get_key_policy", KeyId=key, PolicyName="default")["Policy"]
        if not same(json.loads(policy), expected["KeyPolicy"]):
            yield f"The key policy of {key} differs from infra/identity.yaml."


CHECKS = (
    Check("firewall", "The web ACL protects the user pool and the REST API if `EnableWaf` is true.", _firewall),
    Check("firewall-rules", "The web ACL has the rules of infra/identity.yaml if `EnableWaf` is true.", _rules),
    Check(
        "data-key",
        "The customer managed key is enabled, rotates and has the key policy of infra/identity.yaml "
        "if `UseCustomerKey` is true.",
        _key,
    ),
)
