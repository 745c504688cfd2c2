// openid-client: authorization code with PKCE, in two steps with the sign-in page between them.
import * as oidc from "openid-client";
import { respond } from "./conversation.mjs";

function configuration({ outputs }) {
  const server = {
    issuer: outputs.issuer,
    authorization_endpoint: outputs.authorize_url,
    token_endpoint: outputs.token_url,
    revocation_endpoint: outputs.revoke_url,
    jwks_uri: outputs.jwks_url,
  };
  const made = new oidc.Configuration(server, outputs.web_client_id, undefined, oidc.None());
  oidc.allowInsecureRequests(made);
  oidc.enableNonRepudiationChecks(made); // verifies the signature of the ID token
  return made;
}

async function begin(request) {
  const kept = { verifier: oidc.randomPKCECodeVerifier(), nonce: oidc.randomNonce(), state: oidc.randomState() };
  const url = oidc.buildAuthorizationUrl(configuration(request), {
    redirect_uri: request.outputs.redirect_uri,
    scope: request.scope,
    code_challenge: await oidc.calculatePKCECodeChallenge(kept.verifier),
    code_challenge_method: "S256",
    nonce: kept.nonce,
    state: kept.state,
  });
  return { url: url.href, kept };
}

const finish = (request) =>
  oidc.authorizationCodeGrant(configuration(request), new URL(request.address), {
    pkceCodeVerifier: request.kept.verifier,
    expectedNonce: request.kept.nonce,
    expectedState: request.kept.state,
  });

const refresh = (request) => oidc.refreshTokenGrant(configuration(request), request.refresh_token);

const revoke = (request) => oidc.tokenRevocation(configuration(request), request.refresh_token);

await respond({ begin, finish, refresh, revoke });
