// aws-jwt-verify: judges a token with the keys of the user pool.
import { CognitoJwtVerifier } from "aws-jwt-verify";
import { respond } from "./conversation.mjs";

async function verify({ outputs, token, clients }) {
  const verifier = CognitoJwtVerifier.create({
    userPoolId: outputs.user_pool_id,
    tokenUse: "access",
    clientId: clients,
  });
  // The issuer is on AWS. The keys are on this machine.
  verifier.cacheJwks(await (await fetch(outputs.jwks_url)).json());
  return { claims: await verifier.verify(token) };
}

await respond({ verify });
