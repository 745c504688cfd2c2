// The console: sign in at the user pool's page, see your identity, send requests. No framework, no build step.
//
// The access token is stored in sessionStorage: it survives a reload and ends with its tab. An injected script could
// read it there. A variable would be hardly safer, because such a script could also send requests. The page therefore
// prevents injected scripts: by its Content-Security-Policy, and because it sets text only as text. It discards the
// refresh token, which is valid for hours.

const SESSION = "gatehouse.session";
const SIGN_IN = "gatehouse.sign-in";
const REQUIRED = ["api_url", "authorize_url", "token_url", "web_client_id", "redirect_uri", "scopes"];
// The requests to try, and their requirement: a scope in the token, or a policy that allows the request.
const REQUESTS = [
  { method: "GET", path: "/reports", needs: "a policy" },
  { method: "POST", path: "/reports", needs: "a policy", body: { title: "Example", body: "Written in the browser." } },
  { method: "GET", path: "/files", needs: "the scope file.read" },
  { method: "PUT", path: "/files/hello.txt", needs: "the scope file.write", body: { content: "Hello." } },
  { method: "GET", path: "/admin/policies", needs: "a policy" },
];
const URL_SAFE = { "+": "-", "/": "_", "=": "" };
const VERDICTS = { 401: "not authenticated", 404: "not found" };

const $ = (id) => document.getElementById(id);
const notify = (text) => $("notice").replaceChildren(text);
const verdict = (status) => VERDICTS[status] ?? (status < 300 ? "allowed" : status < 500 ? "refused" : "failed");
const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/[+/=]/g, (c) => URL_SAFE[c]);
const randomText = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const sentence = (text, code = "") => text.replace(/\.?$/, `${code}.`);
// session: {client_id, token, expires}, the app client, its access token, and the expiry in milliseconds since 1970
let settings, session;

// An error with a message for the user.
class Problem extends Error {}

// --- sign-in: authorization code with PKCE ---

// provider: the name of the company's identity provider; without it, the user pool asks for a password
async function beginSignIn(client_id = settings.web_client_id, provider = "") {
  if (!crypto.subtle) throw new Problem("The sign-in needs HTTPS, or a URL on localhost.");
  if (location.origin + location.pathname !== settings.redirect_uri) {
    throw new Problem(`The sign-in returns to ${settings.redirect_uri}. Open the console at that URL.`);
  }
  const pending = { client_id, state: randomText(), nonce: randomText(), verifier: randomText() };
  const challenge = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier));
  sessionStorage.setItem(SIGN_IN, JSON.stringify(pending));
  visit(settings.authorize_url, {
    response_type: "code",
    client_id,
    ...(provider && { identity_provider: provider }),
    redirect_uri: settings.redirect_uri,
    scope: ["openid", ...Object.values(settings.scopes)].join(" "),
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: base64url(new Uint8Array(challenge)),
    code_challenge_method: "S256",
  });
}

// Return the parameters that the user pool's page has added to the URL. Removes them, so no code stays in the history.
function takeResponse() {
  const response = new URLSearchParams(location.search);
  history.replaceState(null, "", location.pathname);
  return response.has("code") || response.has("error") ? response : null;
}

async function finishSignIn(response) {
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
  const granted = await redeem(response.get("code"), pending);
  // The ID token comes directly from the token endpoint, so its signature need not be checked (OpenID Connect 3.1.3.7).
  const identity = claimsOf(granted.id_token);
  if (identity.nonce !== pending.nonce || identity.aud !== pending.client_id) {
    throw new Problem("The user pool returned tokens of another sign-in. They were discarded. Sign in again.");
  }
  const { client_id } = pending;
  session = { client_id, token: granted.access_token, expires: Date.now() + granted.expires_in * 1000 };
  sessionStorage.setItem(SESSION, JSON.stringify(session));
}

async function redeem(code, { client_id, verifier: code_verifier }) {
  const { redirect_uri } = settings;
  const body = new URLSearchParams({ grant_type: "authorization_code", client_id, redirect_uri, code, code_verifier });
  const { status, content } = await send("The token endpoint", settings.token_url, { method: "POST", body });
  if (status === 200) return content;
  const why = content?.error_description ?? content?.error ?? status;
  throw new Problem(`${sentence(`The token endpoint refused the code: ${why}`)} Sign in again.`);
}

function signOut() {
  const { client_id } = session;
  endSession();
  $("sign-in").focus();
  if (!settings.logout_url) return notify("You are signed out of this page.");
  // Otherwise the session of the user pool's page would continue, and the next sign-in would need no password.
  return visit(settings.logout_url, { client_id, logout_uri: settings.redirect_uri });
}

function endSession() {
  session = null;
  sessionStorage.removeItem(SESSION);
  show();
}

// --- requests ---

// Send a request. Returns {status, content}; content is the value of a JSON body, or the text of another body.
async function send(server, url, options) {
  let response, text;
  try {
    response = await fetch(url, { cache: "no-store", credentials: "omit", redirect: "error", ...options });
    text = await response.text();
  } catch {
    throw new Problem(`${server} did not answer. It is not reachable, or does not allow ${location.origin}.`);
  }
  try {
    return { status: response.status, content: JSON.parse(text) };
  } catch {
    return { status: response.status, content: text };
  }
}

function call({ method, path, body }) {
  const headers = { Authorization: `Bearer ${session.token}`, ...(body && { "Content-Type": "application/json" }) };
  return send("The API", settings.api_url + path, { method, headers, body: body && JSON.stringify(body) });
}

async function showIdentity() {
  const { status, content } = await call({ method: "GET", path: "/whoami" });
  if (!session) return; // the session has ended
  const lines = status === 200
    ? { Subject: [content.subject], Kind: [content.kind], Policies: content.policies }
    : { Response: [`${status} ${verdict(status)} – ${reason(content)}`] };
  // The scope names without their resource server, as routes use them.
  lines.Scopes = claimsOf(session.token).scope?.split(" ").map((scope) => scope.split("/").pop()) ?? ["none"];
  const values = (texts) => element("dd", {}, ...texts.map((text) => element("span", { textContent: text })));
  const pairs = Object.entries(lines).map(([name, texts]) => [element("dt", { textContent: name }), values(texts)]);
  $("identity").replaceChildren(...pairs.flat());
}

async function tryRequest(request, cell) {
  Object.assign(cell, { textContent: "sending", className: "" });
  const { status, content } = await call(request);
  if (!session) return; // the session has ended
  const allowed = status < 300;
  Object.assign(cell, { textContent: `${status} ${verdict(status)}`, className: allowed ? "good" : "bad" });
  const title = `${request.method} ${request.path}: ${cell.textContent}`;
  const outcome = element("strong", { textContent: title, className: cell.className });
  $("outcome").replaceChildren(outcome, allowed ? "" : ` – ${reason(content)}`);
  $("body").textContent = typeof content === "string" ? content : JSON.stringify(content, null, 2);
  $("result").hidden = false;
  $("outcome").scrollIntoView({ block: "nearest" });
}

function reason(content) {
  const message = content?.message ?? content?.Message ?? "The response contains no reason";
  return sentence(message, content?.code && ` (${content.code})`);
}

// --- the page ---

function show() {
  for (const id of ["session-bar", "you", "try"]) $(id).hidden = !session;
  $("welcome").hidden = Boolean(session);
  $("result").hidden = true;
  for (const id of ["identity", "outcome", "body"]) $(id).replaceChildren();
  $("companies").replaceChildren(...(settings.company?.providers ?? []).map(companyButton));
  $("requests").replaceChildren(...REQUESTS.map(row));
  tick();
}

function row(request) {
  const name = `${request.method} ${request.path}`;
  const response = element("td", {});
  const button = element("button", { type: "button", textContent: "Send", ariaLabel: `Send ${name}` });
  button.addEventListener("click", reporting(() => tryRequest(request, response)));
  const texts = [element("code", { textContent: name }), element("small", { textContent: `needs ${request.needs}` })];
  return element("tr", {}, element("th", { scope: "row" }, ...texts), response, element("td", {}, button));
}

function companyButton(provider) {
  const text = `Sign in with your company (${provider})`;
  const button = element("button", { type: "button", textContent: text, className: "quiet" });
  button.addEventListener("click", reporting(() => beginSignIn(settings.company.client_id, provider)));
  return button;
}

function tick() {
  if (!session) return;
  const seconds = Math.floor((session.expires - Date.now()) / 1000);
  $("time-left").textContent = `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds > 0) return;
  endSession();
  notify("Your token has expired. Sign in again.");
}

// Return a handler that shows the error of an action, and that ignores calls while the action runs.
function reporting(action) {
  let busy = false;
  return async () => {
    if (busy) return;
    busy = true;
    notify("");
    try {
      await action();
    } catch (problem) {
      notify(problem instanceof Problem ? problem.message : `Internal error of the page: ${problem.message}`);
    }
    busy = false;
  };
}

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function visit(url, parameters) {
  const address = new URL(url);
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  location.assign(address);
}

// Return the claims of a token without a check. Returns {} for an invalid token.
function claimsOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return {};
  }
}

async function start() {
  const response = takeResponse();
  const { status, content } = await send("The host of this page", new URL("settings.json", import.meta.url));
  if (status !== 200) throw new Problem(`Failed to load settings.json (${status}). ${reason(content)}`);
  const missing = REQUIRED.filter((name) => !content[name]);
  if (missing.length) throw new Problem(`The file settings.json has no ${missing.join(", ")}.`);
  settings = content;
  session = JSON.parse(sessionStorage.getItem(SESSION));
  try {
    if (response) await finishSignIn(response);
  } finally {
    show();
  }
  if (session) await showIdentity();
}

for (const [id, action] of [["sign-in", () => beginSignIn()], ["sign-out", signOut], ["refresh", showIdentity]]) {
  $(id).addEventListener("click", reporting(action));
}
// The Back button can restore an old page with a session. Load the page again.
addEventListener("pageshow", (event) => event.persisted && location.reload());
setInterval(tick, 1000);
reporting(start)();
