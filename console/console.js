// The console: sign in at the user pool's page, see who you are, try requests. No framework, no build step.
//
// The access token is kept in sessionStorage: it survives a reload, and goes with its tab. A script that got into this
// page could read it there; in a variable it would be hardly safer, as such a script could send requests too. So none
// gets in (Content-Security-Policy; text is only set as text). The refresh token, which lives for hours, is dropped.

const SESSION = "gatehouse.session";
const SIGN_IN = "gatehouse.sign-in";
const REQUIRED = ["api_url", "authorize_url", "token_url", "web_client_id", "redirect_uri", "scopes"];
// What there is to try, and what the gateway asks for: a scope in the token, or a policy that allows it.
const REQUESTS = [
  { method: "GET", path: "/reports", needs: "a policy" },
  { method: "POST", path: "/reports", needs: "a policy", body: { title: "Night watch", body: "All quiet." } },
  { method: "GET", path: "/files", needs: "the scope file.read" },
  { method: "PUT", path: "/files/hello.txt", needs: "the scope file.write", body: { content: "Hello." } },
  { method: "GET", path: "/admin/policies", needs: "a policy" },
];
const URL_SAFE = { "+": "-", "/": "_", "=": "" };
const VERDICTS = { 401: "not let in", 404: "not found" };

const $ = (id) => document.getElementById(id);
const notify = (text) => $("notice").replaceChildren(text);
const verdict = (status) => VERDICTS[status] ?? (status < 300 ? "allowed" : status < 500 ? "refused" : "failed");
const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/[+/=]/g, (c) => URL_SAFE[c]);
const randomText = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const sentence = (text, code = "") => text.replace(/\.?$/, `${code}.`);
let settings, session; // session: {token, expires}, the access token and its end in milliseconds since 1970

// Something that a person can be told.
class Problem extends Error {}

// --- signing in: authorization code with PKCE ---

async function beginSignIn() {
  if (!crypto.subtle) throw new Problem("Signing in needs HTTPS, or an address on localhost.");
  if (location.origin + location.pathname !== settings.redirect_uri) {
    throw new Problem(`Signing in returns to ${settings.redirect_uri}: open the console there.`);
  }
  const pending = { state: randomText(), nonce: randomText(), verifier: randomText() };
  const challenge = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier));
  sessionStorage.setItem(SIGN_IN, JSON.stringify(pending));
  visit(settings.authorize_url, {
    response_type: "code",
    client_id: settings.web_client_id,
    redirect_uri: settings.redirect_uri,
    scope: ["openid", settings.scopes.read, settings.scopes.write].join(" "),
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: base64url(new Uint8Array(challenge)),
    code_challenge_method: "S256",
  });
}

// What the user pool's page appended to our address, which forgets it: no code stays in the history.
function takeAnswer() {
  const answer = new URLSearchParams(location.search);
  history.replaceState(null, "", location.pathname);
  return answer.has("code") || answer.has("error") ? answer : null;
}

async function finishSignIn(answer) {
  const pending = JSON.parse(sessionStorage.getItem(SIGN_IN));
  sessionStorage.removeItem(SIGN_IN);
  // Before anything in the answer is believed or shown: anyone can make a link that brings a code, or a message.
  if (!pending || answer.get("state") !== pending.state) {
    throw new Problem("That sign-in was not begun in this tab, or is over already: it was ignored.");
  }
  const [error, description] = [answer.get("error"), answer.get("error_description")];
  if (error) {
    const what = error === "access_denied" ? "was cancelled or refused" : "failed at the user pool";
    throw new Problem(sentence(`The sign-in ${what}: ${description ?? error}`));
  }
  const granted = await redeem(answer.get("code"), pending.verifier);
  // The ID token came straight from the token endpoint, so its signature need not be checked (OpenID Connect 3.1.3.7).
  const identity = claimsOf(granted.id_token);
  if (identity.nonce !== pending.nonce || identity.aud !== settings.web_client_id) {
    throw new Problem("The user pool's tokens do not belong to this sign-in, so they were dropped. Sign in again.");
  }
  session = { token: granted.access_token, expires: Date.now() + granted.expires_in * 1000 };
  sessionStorage.setItem(SESSION, JSON.stringify(session));
}

async function redeem(code, code_verifier) {
  const { web_client_id: client_id, redirect_uri } = settings;
  const body = new URLSearchParams({ grant_type: "authorization_code", client_id, redirect_uri, code, code_verifier });
  const { status, content } = await ask("The token endpoint", settings.token_url, { method: "POST", body });
  if (status === 200) return content;
  const why = content?.error_description ?? content?.error ?? status;
  throw new Problem(`${sentence(`The token endpoint refused to exchange the code: ${why}`)} Sign in again.`);
}

function signOut() {
  forget();
  $("sign-in").focus();
  if (!settings.logout_url) return notify("You are signed out of this page.");
  // Otherwise the user pool's page would remember who was here, and let them in again without asking.
  return visit(settings.logout_url, { client_id: settings.web_client_id, logout_uri: settings.redirect_uri });
}

function forget() {
  session = null;
  sessionStorage.removeItem(SESSION);
  show();
}

// --- requests ---

// Give {status, content}: a body that is JSON as its value, any other as text.
async function ask(who, url, options) {
  let response, text;
  try {
    response = await fetch(url, { cache: "no-store", credentials: "omit", redirect: "error", ...options });
    text = await response.text();
  } catch {
    throw new Problem(`${who} did not answer: it is out of reach, or refuses pages of ${location.origin}.`);
  }
  try {
    return { status: response.status, content: JSON.parse(text) };
  } catch {
    return { status: response.status, content: text };
  }
}

function call({ method, path, body }) {
  const headers = { Authorization: `Bearer ${session.token}`, ...(body && { "Content-Type": "application/json" }) };
  return ask("The API", settings.api_url + path, { method, headers, body: body && JSON.stringify(body) });
}

async function askWhoIAm() {
  const { status, content } = await call({ method: "GET", path: "/whoami" });
  if (!session) return; // it ended meanwhile
  const lines = status === 200
    ? { Subject: [content.subject], Kind: [content.kind], Policies: content.policies }
    : { Answer: [`${status} ${verdict(status)} – ${reason(content)}`] };
  // Named as routes name them, without their resource server.
  lines.Scopes = claimsOf(session.token).scope?.split(" ").map((scope) => scope.split("/").pop()) ?? ["none"];
  const values = (texts) => element("dd", {}, ...texts.map((text) => element("span", { textContent: text })));
  const pairs = Object.entries(lines).map(([name, texts]) => [element("dt", { textContent: name }), values(texts)]);
  $("identity").replaceChildren(...pairs.flat());
}

async function tryRequest(request, cell) {
  Object.assign(cell, { textContent: "no answer yet", className: "" });
  const { status, content } = await call(request);
  if (!session) return; // it ended meanwhile
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
  const message = content?.message ?? content?.Message ?? "No reason was given";
  return sentence(message, content?.code && ` (${content.code})`);
}

// --- the page ---

function show() {
  for (const id of ["session-bar", "you", "try"]) $(id).hidden = !session;
  $("welcome").hidden = Boolean(session);
  $("result").hidden = true;
  for (const id of ["identity", "outcome", "body"]) $(id).replaceChildren();
  $("requests").replaceChildren(...REQUESTS.map(row));
  tick();
}

function row(request) {
  const name = `${request.method} ${request.path}`;
  const answer = element("td", {});
  const button = element("button", { type: "button", textContent: "Send", ariaLabel: `Send ${name}` });
  button.addEventListener("click", telling(() => tryRequest(request, answer)));
  const texts = [element("code", { textContent: name }), element("small", { textContent: `needs ${request.needs}` })];
  return element("tr", {}, element("th", { scope: "row" }, ...texts), answer, element("td", {}, button));
}

function tick() {
  if (!session) return;
  const seconds = Math.floor((session.expires - Date.now()) / 1000);
  $("time-left").textContent = `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds > 0) return;
  forget();
  notify("Your token has expired. Sign in again.");
}

// Make of an action one that says in words what went wrong, and does not begin again before it has ended.
function telling(action) {
  let busy = false;
  return async () => {
    if (busy) return;
    busy = true;
    notify("");
    try {
      await action();
    } catch (problem) {
      notify(problem instanceof Problem ? problem.message : `The page itself failed: ${problem.message}`);
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

// What a token says, unchecked; nothing for what is no token.
function claimsOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return {};
  }
}

async function start() {
  const answer = takeAnswer();
  const { status, content } = await ask("The host of this page", new URL("settings.json", import.meta.url));
  if (status !== 200) throw new Problem(`The settings could not be loaded (${status}). ${reason(content)}`);
  const missing = REQUIRED.filter((name) => !content[name]);
  if (missing.length) throw new Problem(`The file settings.json lacks ${missing.join(", ")}.`);
  settings = content;
  session = JSON.parse(sessionStorage.getItem(SESSION));
  try {
    if (answer) await finishSignIn(answer);
  } finally {
    show();
  }
  if (session) await askWhoIAm();
}

for (const [id, action] of [["sign-in", beginSignIn], ["sign-out", signOut], ["ask-again", askWhoIAm]]) {
  $(id).addEventListener("click", telling(action));
}
// The Back button may bring the page back as it was left, signed in: look again.
addEventListener("pageshow", (event) => event.persisted && location.reload());
setInterval(tick, 1000);
telling(start)();
