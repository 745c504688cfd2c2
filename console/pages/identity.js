// The page "Your identity": the caller as the API sees it.

import { element, fill, terms } from "../dom.js";
import { claimsOf } from "../session.js";
import { Refusal } from "../http.js";
import { reporting } from "../feedback.js";

export async function show(view, { session }) {
  const card = element("section", { className: "card", id: "identity", "aria-live": "polite" });
  const refresh = element("button", {
    type: "button",
    className: "quiet",
    textContent: "Refresh",
    onclick: reporting(load),
    "aria-label": "Load your identity again",
  });
  fill(view, card, element("p", { className: "actions" }, refresh));
  await load();

  async function load() {
    // The scope names without their resource server, as routes use them.
    const scopes = claimsOf(session.token)
      .scope?.split(" ")
      .map((scope) => scope.split("/").pop()) ?? ["none"];
    fill(card, terms({ ...(await identity(session)), Scopes: scopes }));
  }
}

async function identity(session) {
  try {
    const { subject, kind, policies } = await session.call("GET", "/whoami");
    return { Subject: subject, Kind: kind, Policies: policies.length ? policies : ["none"] };
  } catch (refusal) {
    if (!(refusal instanceof Refusal) || refusal.status === 401) throw refusal;
    return { Response: refusal.message };
  }
}
