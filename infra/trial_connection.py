"""Sets the properties of a trial stage that Chalice cannot set. CloudFormation sets them for all other stages."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.clients import Client
from infra.declared_functions import read_functions
from infra.errors import Refused
from infra.expected import Expected
from infra.stage import Stage
from infra.trial_configuration import application

_RESPONSES = "x-amazon-apigateway-gateway-responses"


@dataclass(frozen=True)
class Connect:
    """Connects the resources that the last `chalice deploy` of this checkout created. Can be repeated.

    outputs  of the identity stack
    """

    project: Path
    stage: Stage
    client: Client
    outputs: Mapping[str, str]

    def __call__(self) -> str:
        """Returns the URL of the API. Raises Refused if this checkout has not deployed the stage."""
        deployed, expected = self._deployed(), application(self.project, self.stage, self.outputs)
        self._permit_triggers()
        self._set_stream(deployed["dynamodb_event"]["event_uuid"], expected)
        self._set_responses(deployed["rest_api"]["rest_api_id"], expected)
        return str(deployed["rest_api"]["rest_api_url"])

    def _deployed(self) -> dict[str, dict[str, Any]]:
        """Returns the resources in Chalice's state, by type. There is one API, and one stream handler."""
        try:
            path = self.project / f".chalice/deployed/{self.stage.name}.json"
            resources = json.loads(path.read_text(encoding="utf-8"))["resources"]
        except (OSError, ValueError, KeyError) as error:
            raise Refused(
                f"This checkout has not deployed the stage {self.stage.name} with Chalice: run `chalice deploy --stage"
                f" {self.stage.name}`."
            ) from error
        return {item["resource_type"]: item for item in resources}

    def _permit_triggers(self) -> None:
        service, pool = self.client("lambda"), self.outputs["UserPoolArn"]
        for trigger in (function.name for function in read_functions(self.project) if function.is_trigger):
            try:
                service.add_permission(
                    FunctionName=self.stage.function(trigger),
                    StatementId="user-pool",
                    Action="lambda:InvokeFunction",
                    Principal="cognito-idp.amazonaws.com",
                    SourceArn=pool,
                    SourceAccount=pool.split(":")[4],
                )
            except service.exceptions.ResourceConflictException:
                continue  # an earlier run has added it

    def _set_stream(self, mapping: str, expected: Expected) -> None:
        (event,) = expected["PolicyChanged"]["Events"].values()
        settings = dict(event["Properties"])
        target = settings.pop("DestinationConfig")["OnFailure"]["Destination"]
        self.client("lambda").update_event_source_mapping(
            UUID=mapping, **settings, DestinationConfig={"OnFailure": {"Destination": target}}
        )

    def _set_responses(self, api_id: str, expected: Expected) -> None:
        gateway = self.client("apigateway")
        for kind, response in expected["RestAPI"]["DefinitionBody"][_RESPONSES].items():
            settings = {key: str(value) if key == "statusCode" else value for key, value in response.items()}
            gateway.put_gateway_response(restApiId=api_id, responseType=kind, **settings)
        for authorizer in gateway.get_authorizers(restApiId=api_id)["items"]:  # a trial stage caches no decision
            patch = {"op": "replace", "path": "/authorizerResultTtlInSeconds", "value": "0"}
            gateway.update_authorizer(restApiId=api_id, authorizerId=authorizer["id"], patchOperations=[patch])
        gateway.create_deployment(restApiId=api_id, stageName=self.stage.name)
