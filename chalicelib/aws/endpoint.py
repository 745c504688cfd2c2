"""Where DynamoDB is: the address, as the environment variables of the AWS SDKs determine it. Pure.

Source:  docs.aws.amazon.com/sdkref → "Service-specific endpoints", "Dual-stack and FIPS endpoints"
"""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from chalicelib.core.errors import InternalError

# prefix of the region → domain of its partition, and the domain of the dual-stack endpoints
_PARTITIONS = {
    "cn-": ("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    "eusc-": ("amazonaws.eu", "api.amazonwebservices.eu"),
    "us-iso-": ("c2s.ic.gov", "api.aws.ic.gov"),
    "us-isob-": ("sc2s.sgov.gov", "api.aws.scloud"),
    "eu-isoe-": ("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    "us-isof-": ("csp.hci.ic.gov", "api.aws.hci.ic.gov"),
}
_COMMERCIAL = ("amazonaws.com", "api.aws")
_REGION = re.compile(r"(?!fips-)[a-z]{2,4}(-[a-z]+)+-[0-9]+")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# These variables need what only the SDK does: a proxy, or an endpoint of the account.
_ONLY_FOR_THE_SDK = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
    *("AWS_ACCOUNT_ID", "AWS_ACCOUNT_ID_ENDPOINT_MODE"),
)


class Endpoint(NamedTuple):
    """An address of DynamoDB, and the region that its requests are signed for."""

    is_tls: bool
    host: str
    port: int
    region: str

    @property
    def authority(self) -> str:
        """The value of the header `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def endpoint_from(environ: Mapping[str, str]) -> Endpoint | None:
    """Returns the endpoint that botocore would choose; None if the environment needs the SDK.

    Raises:  InternalError for an address that is not valid, or that is neither https nor on the loopback interface
    """
    region = environ.get("AWS_DEFAULT_REGION") or environ.get("AWS_REGION") or ""
    if not _REGION.fullmatch(region) or any(environ.get(name) for name in _ONLY_FOR_THE_SDK):
        return None
    is_fips, is_dual_stack = (_is_on(environ, f"AWS_USE_{name}_ENDPOINT") for name in ("FIPS", "DUALSTACK"))
    for variable in ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"):
        url = environ.get(variable)
        if url and not _is_on(environ, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
            if is_fips or is_dual_stack:
                raise InternalError("bad_setting", f"{variable} excludes FIPS and dual-stack endpoints: unset one")
            return _parsed(variable, url, region)
    return Endpoint(True, _host(region, is_fips, is_dual_stack), 443, region)


def ca_bundle_from(environ: Mapping[str, str]) -> str | None:
    """Returns the file or folder of certificates to trust instead of the system's."""
    return environ.get("AWS_CA_BUNDLE") or environ.get("REQUESTS_CA_BUNDLE") or None


def _host(region: str, is_fips: bool, is_dual_stack: bool) -> str:
    domains = next((domains for prefix, domains in _PARTITIONS.items() if region.startswith(prefix)), _COMMERCIAL)
    # In GovCloud the usual endpoint is the FIPS endpoint, except for dual-stack.
    has_own_name = is_fips and (is_dual_stack or not region.startswith("us-gov-"))
    return f"dynamodb{'-fips' if has_own_name else ''}.{region}.{domains[is_dual_stack]}"


def _parsed(variable: str, url: str, region: str) -> Endpoint:
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        raise InternalError("bad_setting", f"{variable} is not a URL") from None
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise InternalError("bad_setting", f"{variable} must contain only a scheme, a host and a port")
    if not re.fullmatch(r"[A-Za-z0-9.:_-]+", host):
        raise InternalError("bad_setting", f"{variable} must name a host")
    if scheme != "https" and not (scheme == "http" and host in _LOOPBACK):
        raise InternalError("bad_setting", f"{variable} must begin with https")
    return Endpoint(scheme == "https", host, port or (443 if scheme == "https" else 80), region)


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").lower() == "true"
