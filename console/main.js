// Starts the console, and shows the page that the URL names. No framework, no build step.

import { address, element, fill } from "./dom.js";
import { notify, reporting } from "./feedback.js";
import { confirmAction } from "./dialogs.js";
import { remaining } from "./format.js";
import { Problem, reason, send } from "./http.js";
import { Permissions } from "./permissions.js";
import { Session } from "./session.js";
import { beginSignIn, endSession, finishSignIn, takeResponse } from "./sign-in.js";

const REQUIRED = ["api_url", "authorize_url", "token_url", "web_client_id", "redirect_uri", "scopes"];
// needs: the request that fills the page. Nobody else sees the page, and nobody else loads its module.
const PAGES = [
  { name: "", title: "Your identity", module: "./pages/identity.js" },
  { name: "requests", title: "Try a request", module: "./pages/requests.js" },
  { name: "matrix", title: "Access matrix", module: "./pages/matrix.js", needs: "/admin/matrix" },
  { name: "policies", title: "Policies", module: "./pages/policies.js", needs: "/admin/policies" },
  { name: "people", title: "People", module: "./pages/people.js", needs: "/admin/users" },
  { name: "groups", title: "Groups", module: "./pages/groups.js", needs: "/admin/groups" },
  { name: "revocations", title: "Revocations", module: "./pages/revocations.js", needs: "/admin/revocations" },
  { name: "audit", title: "Audit log", module: "./pages/audit.js", needs: "/admin/audit" },
];

const $ = (id) => document.getElementById(id);
let session, permissions, pages;
let shown = 0; // counts the pages, so that an older one does not replace a newer one
let current = ""; // the fragment of the shown page
let isUnsaved = () => false;

async function start() {
  const response = takeResponse();
  const { status, content } = await send("The host of this page", new URL("settings.json", import.meta.url));
  if (status !== 200) throw new Problem(`Failed to load settings.json (${status}). ${reason(content)}`);
  const missing = REQUIRED.filter((name) => !content[name]);
  if (missing.length) throw new Problem(`The file settings.json has no ${missing.join(", ")}.`);
  session = new Session(content, ended);
  fill($("companies"), (session.settings.company?.providers ?? []).map(companyButton));
  $("sign-in").addEventListener(
    "click",
    reporting(() => beginSignIn(content)),
  );
  $("sign-out").addEventListener("click", reporting(signOut));
  addEventListener("hashchange", reporting(leave));
  addEventListener("beforeunload", (event) => session.active && isUnsaved() && event.preventDefault());
  setInterval(tick, 1000);
  try {
    if (response) await resume(await finishSignIn(content, response));
  } finally {
    await enter();
  }
}

async function resume(granted) {
  session.begin(granted);
  history.replaceState(null, "", location.pathname + (granted.page || ""));
}

// Shows the page for the present session, or the welcome.
async function enter() {
  $("welcome").hidden = session.active;
  $("session-bar").hidden = !session.active;
  $("navigation").hidden = true;
  fill($("page"));
  if (!session.active) return;
  tick();
  if (!session.active) return; // the stored token has expired
  permissions = new Permissions(session);
  const visible = await Promise.all(PAGES.map(isVisible));
  if (!session.active) return;
  pages = PAGES.filter((_, number) => visible[number]);
  $("navigation").hidden = false;
  await route();
}

async function isVisible({ needs }) {
  if (!needs) return true;
  return (await permissions.administers()) && (await permissions.has("GET", needs)) && permissions.may("GET", needs);
}

// Shows another page, after a question if the present one has changes that are not saved.
async function leave() {
  const next = location.hash;
  if (!session.active || !isUnsaved()) return route();
  if (next === current) return;
  history.replaceState(null, "", current || location.pathname);
  confirmAction({
    title: "Discard your changes?",
    content: element("p", { textContent: "The changes on this page are not saved." }),
    action: "Discard changes",
    run: async () => {
      history.pushState(null, "", next);
      await route();
    },
  });
}

async function route() {
  if (!session.active || !location.hash.match(/^(#\/.*)?$/)) return;
  current = location.hash;
  isUnsaved = () => false;
  const [fragment, query = ""] = location.hash.split(/\?(.*)/s);
  const [name, ...names] = partsOf(fragment);
  const page = pages.find((known) => known.name === name);
  const number = ++shown;
  fill(
    $("navigation"),
    element(
      "ul",
      {},
      pages.map((known) =>
        element(
          "li",
          {},
          element("a", {
            href: address(known.name),
            textContent: known.title,
            "aria-current": known === page ? "page" : undefined,
          }),
        ),
      ),
    ),
  );
  const view = element("div", { className: "view" });
  const heading = element("h2", { tabIndex: -1, textContent: page?.title ?? "No such page" });
  fill($("page"), heading, view);
  if (number > 1) heading.focus();
  notify("");
  if (!page) return fill(view, "This page does not exist, or you may not see it.");
  view.setAttribute("aria-busy", "true");
  const { show } = await import(page.module);
  const guard = (check) => {
    if (number === shown) isUnsaved = check;
  };
  const isShown = () => number === shown;
  const context = { session, permissions, heading, query: new URLSearchParams(query), isShown, again: route, guard };
  if (number === shown) await show(view, context, ...names).finally(() => view.removeAttribute("aria-busy"));
}

function partsOf(hash) {
  try {
    return hash.replace(/^#\//, "").split("/").map(decodeURIComponent);
  } catch {
    return ["\0"]; // an invalid percent-encoding names no page
  }
}

function signOut() {
  const { clientId } = session;
  session.end();
  $("sign-in").focus();
  if (session.settings.logout_url) endSession(session.settings, clientId);
  else notify("You are signed out of this page.");
}

function ended(message) {
  shown++;
  isUnsaved = () => false;
  document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
  enter();
  notify(message);
}

function tick() {
  if (!session.active) return;
  if (session.secondsLeft > 0) $("time-left").textContent = remaining(session.secondsLeft);
  else session.end("Your token has expired. Sign in again.");
}

function companyButton(provider) {
  const properties = { type: "button", className: "quiet", textContent: `Sign in with your company (${provider})` };
  const { settings } = session;
  return element("button", {
    ...properties,
    onclick: reporting(() => beginSignIn(settings, settings.company.client_id, provider)),
  });
}

$("skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("main").focus();
});
// The Back button can restore an old page with a session. Load the page again.
addEventListener("pageshow", (event) => event.persisted && location.reload());
reporting(start)();
