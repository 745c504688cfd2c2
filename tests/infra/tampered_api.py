"""Changes of the REST API, the web ACL, the logs and the alarms, each with the check that reports it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from infra.alias_calls import LIVE
from tests.configured import RESOURCE_SERVER, SCOPES
from tests.infra.target import Tampering, Target, Undo, pair, restored
from tests.scoped_route import SCOPED_ROUTES

_EVERYONE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*"}],
}


def _deployed(tamper: Tampering) -> Tampering:
    """Changes the API and deploys it. Without a deployment, the API's stage serves the old version."""

    def tamper_and_deploy(target: Target) -> Undo:
        undo, deploy = tamper(target), partial(target.client("apigateway").create_deployment, **target.api_stage)
        deploy()
        return lambda: (undo(), deploy())

    return tamper_and_deploy


def _scopes(verb: str, path: str, *scopes: str) -> Tampering:
    """Sets other scopes. The method is created again for that."""

    def tamper(target: Target) -> Undo:
        gateway, method = target.client("apigateway"), target.method(verb, path)
        was = gateway.get_method(**method)
        authorizer = {key: was[key] for key in ("authorizationType", "authorizerId")}
        service = {"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": was["methodIntegration"]["uri"]}

        def recreate(names: Any) -> None:
            gateway.delete_method(**method)
            gateway.put_method(**method, **authorizer, authorizationScopes=names)
            gateway.put_integration(**method, **service)

        recreate([f"{RESOURCE_SERVER}/{scope}" for scope in scopes])
        return lambda: recreate(was["authorizationScopes"])

    return _deployed(tamper)


def _changer(change: Callable[..., object], where: Mapping[str, str]) -> Callable[[Mapping[str, str]], object]:
    """Returns a function that replaces settings by their paths, as API Gateway expects."""

    def replace(settings: Mapping[str, str]) -> object:
        steps = [{"op": "replace", "path": path, "value": value} for path, value in settings.items()]
        return change(**where, patchOperations=steps)

    return replace


def _open(verb: str, path: str) -> Tampering:
    def tamper(target: Target) -> Undo:
        gateway, method = target.client("apigateway"), target.method(verb, path)
        was, change = gateway.get_method(**method), _changer(gateway.update_method, method)
        change({"/authorizationType": "NONE"})
        return lambda: change({f"/{key}": was[key] for key in ("authorizationType", "authorizerId")})

    return _deployed(tamper)


def _integration(target: Target) -> Undo:
    gateway, method = target.client("apigateway"), target.method("GET", "/whoami")
    right, change = gateway.get_integration(**method)["uri"], _changer(gateway.update_integration, method)
    change({"/uri": right.replace(target.stage.function("api_handler"), "trojan-horse")})
    return lambda: change({"/uri": right})


def _latest_integration(target: Target) -> Undo:
    gateway, method = target.client("apigateway"), target.method("GET", "/whoami")
    right, change = gateway.get_integration(**method)["uri"], _changer(gateway.update_integration, method)
    change({"/uri": right.replace(f":{LIVE}/", "/")})
    return lambda: change({"/uri": right})


def _forged_subject(target: Target) -> Undo:
    gateway, method = target.client("apigateway"), target.method("GET", "/upstream/{proxy+}")
    was = gateway.get_integration(**method)
    same = {"type": was["type"], "integrationHttpMethod": was["httpMethod"], "uri": was["uri"]}
    forged = {"integration.request.header.GatehouseSubject": "method.request.header.X-Horse"}

    def put(mapped: Any) -> None:
        gateway.put_integration(**method, **same, requestParameters=mapped)

    put({**was["requestParameters"], **forged})
    return lambda: put(was["requestParameters"])


def _additional_route(target: Target) -> Undo:
    gateway = target.client("apigateway")
    method = {**target.method("GET", "/admin/policies"), "httpMethod": "PATCH"}
    uri = gateway.get_integration(**{**method, "httpMethod": "GET"})["uri"]
    gateway.put_method(**method, authorizationType="NONE")
    gateway.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    return lambda: gateway.delete_method(**method)


def _additional_stage(target: Target) -> Undo:
    gateway = target.client("apigateway")
    deployment = gateway.get_stage(**target.api_stage)["deploymentId"]
    gateway.create_stage(**target.api, stageName="unwatched", deploymentId=deployment)
    return lambda: gateway.delete_stage(**target.api, stageName="unwatched")


def _authorizer(name: str, path: str, bad: str, good: str) -> Tampering:
    def tamper(target: Target) -> Undo:
        change = _changer(target.client("apigateway").update_authorizer, target.authorizer(name))
        change({path: bad})
        return lambda: change({path: good})

    return tamper


def _replaced_authorizer(target: Target) -> Undo:
    gateway, authorizer = target.client("apigateway"), target.authorizer("policy_authorizer")
    right = gateway.get_authorizer(**authorizer)["authorizerUri"]
    change = _changer(gateway.update_authorizer, authorizer)
    change({"/authorizerUri": right.replace("policy_authorizer", "trojan-horse")})
    return lambda: change({"/authorizerUri": right})


def _cached_responses(target: Target) -> Undo:
    change = _changer(target.client("apigateway").update_stage, target.api_stage)
    change({"/*/*/caching/enabled": "true"})
    return lambda: change({"/*/*/caching/enabled": "false"})


def _resource_policy(target: Target) -> Undo:
    change = _changer(target.client("apigateway").update_rest_api, target.api)
    change({"/policy": json.dumps(_EVERYONE)})
    return lambda: change({"/policy": ""})


def _lost_response(target: Target) -> Undo:
    gateway, response = target.client("apigateway"), {**target.api, "responseType": "UNAUTHORIZED"}
    was = gateway.get_gateway_response(**response)
    good = {key: was[key] for key in ("statusCode", "responseParameters", "responseTemplates")}
    gateway.delete_gateway_response(**response)
    return lambda: gateway.put_gateway_response(**response, **good)


def _alarm(**bad: Any) -> Tampering:
    def tamper(target: Target) -> Undo:
        cloudwatch, name = target.client("cloudwatch"), target.names["DecisionsFailedAlarm"]
        was = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
        known = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
        good = {key: value for key, value in was.items() if key in known}
        cloudwatch.put_metric_alarm(**{**good, **bad})
        return lambda: cloudwatch.put_metric_alarm(**good)

    return tamper


def _lost_alarm(target: Target) -> Undo:
    undo = _alarm()(target)
    target.client("cloudwatch").delete_alarms(AlarmNames=[target.names["DecisionsFailedAlarm"]])
    return undo


def _dashboard(target: Target) -> Undo:
    cloudwatch, name = target.client("cloudwatch"), {"DashboardName": target.names["Dashboard"]}
    good = cloudwatch.get_dashboard(**name)["DashboardBody"]
    cloudwatch.put_dashboard(**name, DashboardBody='{"widgets": []}')
    return lambda: cloudwatch.put_dashboard(**name, DashboardBody=good)


def _no_firewall(target: Target) -> Undo:
    firewall, api = target.client("wafv2"), target.api["restApiId"]
    resource = {"ResourceArn": f"arn:aws:apigateway:us-east-1::/restapis/{api}/stages/{target.stage.name}"}
    acl = firewall.get_web_acl_for_resource(**resource)["WebACL"]["ARN"]
    firewall.disassociate_web_acl(**resource)
    return lambda: firewall.associate_web_acl(**resource, WebACLArn=acl)


def _open_firewall(target: Target) -> Undo:
    firewall = target.client("wafv2")
    name, identity, _ = target.names["WebAcl"].split("|")
    acl = {"Name": name, "Id": identity, "Scope": "REGIONAL"}
    was = firewall.get_web_acl(**acl)["WebACL"]

    def change(rules: Any) -> None:
        lock = firewall.get_web_acl(**acl)["LockToken"]
        same = {key: was[key] for key in ("DefaultAction", "VisibilityConfig")}
        firewall.update_web_acl(**acl, **same, Rules=rules, LockToken=lock)

    change([])
    return lambda: change(was["Rules"])


def _log_group(target: Target) -> dict[str, str]:
    return {"logGroupName": target.names["AuthorizerLogs"]}


def _other_log_group(target: Target) -> Undo:
    logs, group = target.client("logs"), _log_group(target)
    key = target.client("kms").describe_key(KeyId=target.names["DataKey"])["KeyMetadata"]["Arn"]

    def recreate(**more: str) -> None:  # the emulator cannot remove a key
        logs.delete_log_group(**group)
        logs.create_log_group(**group, **more)
        logs.put_retention_policy(**group, retentionInDays=365)

    recreate()
    return lambda: recreate(kmsKeyId=key)


def _data_key(target: Target) -> dict[str, str]:
    return {"KeyId": target.names["DataKey"]}


def _of_use_case_1(verb: str, path: str) -> Iterator[tuple[str, Tampering]]:
    yield "a method of use case 1 needs no token", _open(verb, path)
    yield "a method needs no scope", _scopes(verb, path)
    yield "a method accepts every scope", _scopes(verb, path, *SCOPES)


# An application without a route of use case 1 has no Cognito authorizer.
_OF_THE_COGNITO_AUTHORIZER: dict[str, tuple[str, Tampering]] = {
    "the Cognito authorizer's results are cached": (
        "api-authorizers",
        _authorizer("pool", "/authorizerResultTtlInSeconds", "300", "0"),
    ),
}
TAMPERINGS: dict[str, tuple[str, Tampering]] = {
    "a method of use case 2 needs no token": ("api-route-authorizers", _open("GET", "/admin/policies")),
    **{
        name: ("api-route-authorizers", tamper)
        for route in SCOPED_ROUTES[-1:]
        for name, tamper in _of_use_case_1(*route)
    },
    "the API gets an additional route": ("api-routes", _additional_route),
    "a method calls another function": ("api-integrations", _integration),
    "a method calls the function instead of its alias": ("api-integrations", _latest_integration),
    "the upstream receives a forged subject": ("api-integrations", _forged_subject),
    "the API gets a second stage": ("api-stages", _additional_stage),
    "responses are cached": ("api-replay", _cached_responses),
    "the policy authorizer's results are cached": (
        "api-authorizers",
        _authorizer("policy_authorizer", "/authorizerResultTtlInSeconds", "300", "0"),
    ),
    **(_OF_THE_COGNITO_AUTHORIZER if SCOPED_ROUTES else {}),
    "the policy authorizer is another function": ("api-authorizers", _replaced_authorizer),
    "the token comes from another header": (
        "api-authorizers",
        _authorizer(
            "policy_authorizer",
            "/identitySource",
            "method.request.header.X-Horse",
            "method.request.header.Authorization",
        ),
    ),
    "a gateway response is deleted": ("api-responses", _deployed(_lost_response)),
    "the API gets a resource policy": ("api-policy", _resource_policy),
    "a log group loses its retention time": (
        "logs-retention",
        restored("logs", "delete_retention_policy", "put_retention_policy", _log_group, {"retentionInDays": 365}),
    ),
    "a log group is encrypted with AWS's key": ("logs-encryption", _other_log_group),
    "an alarm gets a high threshold": ("alarms", _alarm(Threshold=1000)),
    "an alarm is deleted": ("alarms", _lost_alarm),
    "an alarm loses its action": ("alarms-actions", _alarm(AlarmActions=[])),
    "the actions of an alarm are disabled": (
        "alarms-actions",
        pair(
            "cloudwatch",
            "disable_alarm_actions",
            "enable_alarm_actions",
            lambda target: {"AlarmNames": [target.names["DeadLettersAlarm"]]},
        ),
    ),
    "the dashboard is empty": ("dashboard", _dashboard),
    "the API loses its web ACL": ("firewall", _no_firewall),
    "the web ACL loses its rules": ("firewall-rules", _open_firewall),
    "key rotation is switched off": ("data-key", pair("kms", "disable_key_rotation", "enable_key_rotation", _data_key)),
}
