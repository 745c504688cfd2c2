// oidc-provider as the identity provider of a company. Its own development pages ask for the name and for consent.
// Arguments: port, client ID, client secret, redirect URI. It ends with its standard input.
import Provider from "oidc-provider";

const [port, client_id, client_secret, redirect_uri] = process.argv.slice(2);
const provider = new Provider(`http://localhost:${port}`, {
  clients: [{ client_id, client_secret, redirect_uris: [redirect_uri], token_endpoint_auth_method: "client_secret_post" }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["groups"] },
  pkce: { required: () => false },
  cookies: { keys: ["for-tests-only"] },
  findAccount: (_context, sub) => ({
    accountId: sub,
    claims: () => ({ sub, email: `${sub}@partner.example`, email_verified: true, groups: [`company-${sub}s`] }),
  }),
});
process.stdin.resume().on("end", () => process.exit(0));
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
