"""What CloudFormation's Fn::GetAtt gives, worked out from what a resource is called."""

from collections.abc import Callable

Arn = Callable[[str, str], str]


def attribute(kind: str, what: str, physical: str, arn: Arn) -> str:
    """Give an attribute of a resource. Raises KeyError for one that no check needs.

    kind      the resource's type
    physical  what it is called
    arn       gives an ARN of this region and account, by the service and the resource
    """
    attributes: dict[tuple[str, str], Callable[[], str]] = {
        ("AWS::Cognito::UserPool", "Arn"): lambda: arn("cognito-idp", f"userpool/{physical}"),
        ("AWS::DynamoDB::Table", "Arn"): lambda: arn("dynamodb", f"table/{physical}"),
        ("AWS::KMS::Key", "Arn"): lambda: arn("kms", f"key/{physical}"),
        ("AWS::Logs::LogGroup", "Arn"): lambda: arn("logs", f"log-group:{physical}:*"),
        ("AWS::SQS::Queue", "Arn"): lambda: arn("sqs", _last(physical)),
        ("AWS::SQS::Queue", "QueueName"): lambda: _last(physical),
        ("AWS::WAFv2::WebACL", "Arn"): lambda: arn("wafv2", _web_acl(physical)),
    }
    return attributes[kind, what]()


def _last(url: str) -> str:
    return url.rpartition("/")[2]


def _web_acl(physical: str) -> str:
    name, identity, _scope = physical.split("|")
    return f"regional/webacl/{name}/{identity}"
