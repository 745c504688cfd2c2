"""Declares the resources with which CodeDeploy shifts the traffic of aliases gradually. Pure functions of templates.

Every resource has the condition `ShiftsTraffic` of `.chalice/package.json`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_SHIFTED = "ShiftsTraffic"
_APPLICATION, _ROLE = "TrafficShift", "TrafficShiftRole"
_ARN = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"

Json = dict[str, Any]


def shift_resources(names: Iterable[str], alias: str) -> dict[str, Json]:
    """Returns the application of CodeDeploy and its role, which can change only the aliases of these functions.

    names  of the functions, as texts of Fn::Sub
    alias  its name
    """
    arns = [{"Fn::Sub": f"{_ARN}{name}{qualifier}"} for name in names for qualifier in ("", f":{alias}")]
    actions = ["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"]
    return {
        _APPLICATION: {
            "Type": "AWS::CodeDeploy::Application",
            "Condition": _SHIFTED,
            "Properties": {"ComputePlatform": "Lambda"},
        },
        _ROLE: {
            "Type": "AWS::IAM::Role",
            "Condition": _SHIFTED,
            "Properties": {
                "PermissionsBoundary": _unless_absent("HasBoundary", {"Ref": "PermissionsBoundaryArn"}),
                "AssumeRolePolicyDocument": _document(
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "codedeploy.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
                    }
                ),
                "Policies": [
                    {
                        "PolicyName": "shift",
                        "PolicyDocument": _document(
                            {"Effect": "Allow", "Action": actions, "Resource": arns},
                            {"Effect": "Allow", "Action": "cloudwatch:DescribeAlarms", "Resource": "*"},
                        ),
                    }
                ],
            },
        },
    }


def deployment_group(alarms: Sequence[Mapping[str, str]]) -> Json:
    """Returns the group of one alias. A shift stops and goes back if one of the alarms is raised."""
    return {
        "Type": "AWS::CodeDeploy::DeploymentGroup",
        "Condition": _SHIFTED,
        "Properties": {
            "ApplicationName": {"Ref": _APPLICATION},
            "ServiceRoleArn": {"Fn::GetAtt": [_ROLE, "Arn"]},
            "DeploymentConfigName": {"Fn::Sub": "CodeDeployDefault.Lambda${TrafficShiftType}"},
            "DeploymentStyle": {"DeploymentType": "BLUE_GREEN", "DeploymentOption": "WITH_TRAFFIC_CONTROL"},
            "AlarmConfiguration": {"Enabled": True, "Alarms": [{"Name": alarm} for alarm in alarms]},
            "AutoRollbackConfiguration": {
                "Enabled": True,
                "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
            },
        },
    }


def update_policy(group: str) -> Json:
    """Returns the update policy of an alias with this group."""
    update = {"ApplicationName": {"Ref": _APPLICATION}, "DeploymentGroupName": {"Ref": group}}
    return {"CodeDeployLambdaAliasUpdate": _unless_absent(_SHIFTED, update)}


def _unless_absent(condition: str, value: Json) -> Json:
    return {"Fn::If": [condition, value, {"Ref": "AWS::NoValue"}]}


def _document(*statements: Json) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}
