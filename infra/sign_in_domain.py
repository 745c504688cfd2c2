"""The prefix domain of a living user pool, which CloudFormation cannot change in one step."""

from infra import discovery
from infra.errors import Refused
from infra.stage import Stage


def refuse_another_prefix(stage: Stage, client: discovery.Client, pool_id: str) -> None:
    """Refuse a change from one domain prefix to another, with the two steps that make it.

    The property `Domain` is create-only. CloudFormation would make the new domain before it deletes the old one, and
    Cognito takes one prefix domain for each pool. The update would fail, after minutes.

    Raises:  Refused, before anything has changed
    """
    expected = stage.identity.get("DomainPrefix", "")
    living = client("cognito-idp").describe_user_pool(UserPoolId=pool_id)["UserPool"].get("Domain", "")
    if living and expected and living != expected:
        raise Refused(
            f"infra/stages/{stage.name}.yaml: identity.DomainPrefix: the user pool has the domain {living!r}, and"
            f" Cognito refuses a second one. To change it to {expected!r}: 1. Delete the old domain: aws cognito-idp"
            f" delete-user-pool-domain --user-pool-id {pool_id} --domain {living}. 2. Deploy again. Nobody can sign in"
            " between the two steps, and applications need the new address."
        )
