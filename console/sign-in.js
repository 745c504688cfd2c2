// Signs in at the user pool's page: authorization code with PKCE (RFC 7636), state and nonce.

import { Problem, send, sentence } from "./http.js";
import { claimsOf } from "./session.js";

const SIGN_IN = "gatehouse.sign-in";
const URL_SAFE = { "+": "-", "/": "_", "=": "" };

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/[+/=]/g, (c) => URL_SAFE[c]);
const randomText = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

// Returns the code challenge of a verifier, by the method S256.
export async function challengeOf(verifier) {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

// provider: the name of the company's identity provider; without it, the user pool asks for a password
// fresh: the user pool must ask for the password, also if its cookie would replace it
export async function beginSignIn(settings, client_id = settings.web_client_id, provider = "", fresh = false) {
  if (!crypto.subtle) throw new Problem("The sign-in needs HTTPS, or a URL on localhost.");
  if (location.origin + location.pathname !== settings.redirect_uri) {
    throw new Problem(`The sign-in returns to ${settings.redirect_uri}. Open the console at that URL.`);
  }
  // page: what to show afterwards. It is only the fragment of this address, so no link can redirect elsewhere.
  const pending = { client_id, state: randomText(), nonce: randomText(), verifier: randomText(), page: location.hash };
  const challenge = await challengeOf(pending.verifier);
  sessionStorage.setItem(SIGN_IN, JSON.stringify(pending));
  visit(settings.authorize_url, {
    response_type: "code",
    client_id,
    ...(provider && { identity_provider: provider }),
    ...(fresh && { prompt: "login" }),
    redirect_uri: settings.redirect_uri,
    scope: ["openid", ...Object.values(settings.scopes)].join(" "),
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: challenge,
    code_challenge_method: "S256",
  });
}

// Returns the parameters that the user pool's page has added to the URL. Removes them, so no code stays in the history.
export function takeResponse() {
  const response = new URLSearchParams(location.search);
  history.replaceState(null, "", location.pathname + location.hash);
  return response.has("code") || response.has("error") ? response : null;
}

// Redeems the code. Returns {client_id, access_token, expires_in, page}.
export async function finishSignIn(settings, response) {
  const pending = JSON.parse(sessionStorage.getItem(SIGN_IN));
  sessionStorage.removeItem(SIGN_IN);
  // Check the state first. Anyone can make a link with a code or a message.
  if (!pending || response.get("state") !== pending.state) {
    throw new Problem("Ignored a sign-in that did not start in this tab, or that has already ended. Sign in again.");
  }
  const [error, description] = [response.get("error"), response.get("error_description")];
  if (error) {
    const what = error === "access_denied" ? "was cancelled or refused" : "failed at the user pool";
    throw new Problem(sentence(`The sign-in ${what}: ${description ?? error}`));
  }
  const granted = await redeem(settings, response.get("code"), pending);
  // The ID token comes directly from the token endpoint, so its signature need not be checked (OpenID Connect 3.1.3.7).
  const identity = claimsOf(granted.id_token);
  if (identity.nonce !== pending.nonce || identity.aud !== pending.client_id) {
    throw new Problem("The user pool returned tokens of another sign-in. They were discarded. Sign in again.");
  }
  const { access_token, expires_in } = granted;
  return { client_id: pending.client_id, access_token, expires_in, page: pending.page };
}

async function redeem(settings, code, { client_id, verifier: code_verifier }) {
  const grant = {
    grant_type: "authorization_code",
    client_id,
    redirect_uri: settings.redirect_uri,
    code,
    code_verifier,
  };
  const options = { method: "POST", body: new URLSearchParams(grant) };
  const { status, content } = await send("The token endpoint", settings.token_url, options);
  if (status === 200) return content;
  const why = content?.error_description ?? content?.error ?? status;
  throw new Problem(`${sentence(`The token endpoint refused the code: ${why}`)} Sign in again.`);
}

// Ends the session of the user pool's page. Otherwise the next sign-in would need no password.
export function endSession(settings, client_id) {
  visit(settings.logout_url, { client_id, logout_uri: settings.redirect_uri });
}

function visit(url, parameters) {
  const target = new URL(url);
  for (const [name, value] of Object.entries(parameters)) target.searchParams.set(name, value);
  location.assign(target);
}
