"""Refuses a change of a user pool's domain, which CloudFormation cannot make in one step."""

from infra.clients import Client
from infra.errors import Refused
from infra.stage import Stage


def refuse_another_prefix(stage: Stage, client: Client, pool_id: str) -> None:
    """Refuses a change from one domain to another of its kind. The message names the two steps of such a change.

    The property `Domain` is create-only. CloudFormation creates the new domain before it deletes the old one, and
    Cognito accepts one prefix domain and one own domain for each pool. The update would fail after minutes.

    Raises:  Refused, before anything changes
    """
    pool = client("cognito-idp").describe_user_pool(UserPoolId=pool_id)["UserPool"]
    for parameter, kind in (("DomainPrefix", "Domain"), ("SignInDomainName", "CustomDomain")):
        expected, actual = stage.identity.get(parameter, ""), pool.get(kind, "")
        if actual and expected and actual != expected:
            raise Refused(
                f"infra/stages/{stage.name}.yaml: identity.{parameter}: the user pool has the domain {actual!r}, and"
                f" Cognito refuses a second one. To change it to {expected!r}: 1. Delete the old domain: aws"
                f" cognito-idp delete-user-pool-domain --user-pool-id {pool_id} --domain {actual}. 2. Deploy again."
                " Nobody can sign in between the two steps. Afterwards, applications need the new address."
            )
