"""Computes the values of CloudFormation's Fn::GetAtt from a resource's physical id."""

from collections.abc import Callable

Arn = Callable[[str, str], str]


def attribute(kind: str, what: str, physical: str, arn: Arn) -> str:
    """Returns an attribute of a resource. Raises KeyError for an attribute that no check needs.

    kind      the resource's type
    what      the attribute's name
    physical  the resource's physical id
    arn       returns an ARN in this region and account, for a service and a resource
    """
    attributes: dict[tuple[str, str], Callable[[], str]] = {
        ("AWS::Cognito::UserPool", "Arn"): lambda: arn("cognito-idp", f"userpool/{physical}"),
        ("AWS::DynamoDB::Table", "Arn"): lambda: arn("dynamodb", f"table/{physical}"),
        ("AWS::KMS::Key", "Arn"): lambda: arn("kms", f"key/{physical}"),
        ("AWS::S3::Bucket", "Arn"): lambda: f"arn:{_partition(arn)}:s3:::{physical}",
        ("AWS::Lambda::Version", "Version"): lambda: physical.rpartition(":")[2],
        ("AWS::Serverless::Function", "Arn"): lambda: arn("lambda", f"function:{physical}"),
        ("AWS::Logs::LogGroup", "Arn"): lambda: arn("logs", f"log-group:{physical}:*"),
        ("AWS::SQS::Queue", "Arn"): lambda: arn("sqs", _queue_name(physical)),
        ("AWS::SQS::Queue", "QueueName"): lambda: _queue_name(physical),
        ("AWS::WAFv2::WebACL", "Arn"): lambda: arn("wafv2", _web_acl(physical)),
    }
    return attributes[kind, what]()


def _partition(arn: Arn) -> str:
    return arn("s3", "").split(":")[1]


def _queue_name(url: str) -> str:
    return url.rpartition("/")[2]


def _web_acl(physical: str) -> str:
    name, identity, _scope = physical.split("|")
    return f"regional/webacl/{name}/{identity}"
