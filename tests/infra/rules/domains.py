"""Rules about the API's own domain."""

from collections.abc import Iterator

from tests.infra.resolve import Stack


def own_domain(stack: Stack) -> Iterator[str]:
    """The domain leads to this stage only, below its base path, and accepts no old TLS version.

    Source:  API Gateway Developer Guide, "Choose a security policy for your custom domain"
    """
    given = stack.parameters
    names = [domain.properties["DomainName"] for domain in stack.of("AWS::ApiGateway::DomainName")]
    if names != [given["ApiDomainName"]] * bool(given["ApiDomainName"]):
        yield f"the domains are {names}"
    for domain in stack.of("AWS::ApiGateway::DomainName"):
        properties, edge = domain.properties, bool(given["ApiEdgeCertificateArn"])
        if properties["EndpointConfiguration"]["Types"] != ["EDGE" if edge else "REGIONAL"]:
            yield f"{domain.name} has the endpoint {properties['EndpointConfiguration']}"
        certificates = properties.get("CertificateArn", ""), properties.get("RegionalCertificateArn", "")
        if certificates != (given["ApiEdgeCertificateArn"], given["ApiCertificateArn"]):
            yield f"{domain.name} has the certificates {certificates}"
        yield from _tls(domain.name, properties.get("SecurityPolicy"), properties.get("EndpointAccessMode"), stack)
    for mapping in stack.of("AWS::ApiGateway::BasePathMapping"):
        target = tuple(mapping.properties.get(name, "") for name in ("DomainName", "RestApiId", "Stage", "BasePath"))
        if target != ("<ApiDomain>", "<RestAPI>", "<RestAPIStage>", given["ApiBasePath"]):
            yield f"{mapping.name} maps {target}"
    if len(stack.of("AWS::ApiGateway::BasePathMapping")) != len(names):
        yield "the domain leads nowhere"


def own_tls(stack: Stack) -> Iterator[str]:
    """The API has the TLS policy of its domain: API Gateway uses the API's policy for requests to either of them."""
    (api,) = stack.of("AWS::ApiGateway::RestApi")
    policy = api.properties.get("SecurityPolicy", "TLS_1_2")
    yield from _tls(api.name, policy, api.properties.get("EndpointAccessMode"), stack)


def _tls(name: str, policy: object, mode: object, stack: Stack) -> Iterator[str]:
    expected = stack.parameters["ApiTlsPolicy"]
    if (policy, mode) != (expected, None if expected == "TLS_1_2" else "STRICT"):
        yield f"{name} has the TLS policy {policy} and the access mode {mode}"


def announced(stack: Stack) -> Iterator[str]:
    """The output ApiUrl has the domain and the base path."""
    domain, base = stack.parameters["ApiDomainName"], stack.parameters["ApiBasePath"]
    expected = f"https://{domain}/{base}/" if base else f"https://{domain}/" if domain else stack.outputs["EndpointURL"]
    if stack.outputs.get("ApiUrl") != expected:
        yield f"the output ApiUrl is {stack.outputs.get('ApiUrl')}, expected {expected}"
