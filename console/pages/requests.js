// The page "Try a request": the routes of the API, the response, and the reason of a refusal.

import { button, element, field, fill, pathCode } from "../dom.js";
import { explained } from "../explanation.js";
import { reporting } from "../feedback.js";
import { verdict } from "../format.js";
import { reason, request } from "../http.js";
import { administrationLast } from "../matrix-model.js";
import { composeRequest } from "../composer.js";
import { requestsOf } from "../openapi.js";
import { beginSignIn } from "../sign-in.js";

const TOKENS = { own: "your token", none: "no token", invalid: "an invalid token" };
const INVALID = "not-a-token"; // shows the answer to a token that is not accepted

export async function show(view, context) {
  const { session, permissions } = context;
  const administers = await permissions.administers();
  const choices = await requestsToTry(context, administers);
  const token = element(
    "select",
    { id: "token" },
    Object.entries(TOKENS).map(([value, textContent]) => element("option", { value, textContent })),
  );
  const result = element(
    "section",
    { id: "result", className: "card", "aria-label": "Response" },
    element("p", { className: "faint", textContent: "The response appears here." }),
  );
  const headings = ["Request", "Needs", "Response", "Send"];
  const table = element(
    "table",
    { className: "requests" },
    element("caption", { className: "unseen", textContent: "Requests" }),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        headings.map((text) => element("th", { scope: "col", textContent: text })),
      ),
    ),
    element("tbody", {}, choices.map(line)),
  );
  fill(
    view,
    element("p", {
      textContent: administers
        ? "These are the routes of the API."
        : "These are the routes of the API, from its OpenAPI document. The response shows whether you may use a route.",
    }),
    element(
      "div",
      { className: "columns" },
      element("section", { className: "card", "aria-label": "Requests" }, field("Send with", token), table),
      result,
    ),
  );

  function line({ method, path, needs, body, direct }) {
    const name = `${method} ${path}`;
    const cell = element("td", { className: "response" });
    const send = (changes) => {
      const sent = { own: session.token, none: "", invalid: INVALID }[token.value];
      return tryRequest(context, { method, path, body, token: sent, ...changes }, cell, result, administers);
    };
    const act = direct
      ? button(
          "Send",
          reporting(() => send({})),
          { "aria-label": `Send ${name}` },
        )
      : button("Fill in", () => composeRequest({ method, path, body }, send), { "aria-label": `Fill in ${name}` });
    act.className = "quiet";
    const verb = element("span", { className: `method ${method.toLowerCase()}`, textContent: method });
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, verb, " ", pathCode(path)),
      element("td", { className: "needs", textContent: needs }),
      cell,
      element("td", { className: "act" }, act),
    );
  }
}

// Returns the requests of the API's OpenAPI document. The document does not say that a parameter takes several segments.
async function requestsToTry({ session, permissions }, administers) {
  const routes = administers ? await permissions.routes() : [];
  const templates = new Map(routes.map(({ path }) => [path.replaceAll("+}", "}"), path]));
  const requests = requestsOf(await session.call("GET", "/openapi.json"));
  return requests
    .map((known) => ({ ...known, path: templates.get(known.path) ?? known.path }))
    .sort(administrationLast);
}

// token: "" sends none
async function tryRequest(context, { method, path, body, token }, cell, result, administers) {
  const { session } = context;
  Object.assign(cell, { textContent: "sending", className: "response" });
  const { status, content } = await request(session.settings, token, method, path, body);
  if (!session.active || !context.isShown()) return;
  const success = status < 300;
  Object.assign(cell, {
    textContent: `${status} ${verdict(status)}`,
    className: `response ${success ? "good" : "bad"}`,
  });
  const title = element("strong", { textContent: `${method} ${path}: ${cell.textContent}`, className: cell.className });
  const why = element("div", {});
  fill(
    result,
    element("p", { id: "outcome", role: "status" }, title, success ? "" : ` – ${reason(content)}`),
    status === 401 &&
      element("p", {
        textContent: "The API refuses the token, or there is none. It gives no details to an unauthenticated caller.",
      }),
    content?.code === "sign_in_too_old" &&
      element(
        "p",
        { className: "actions" },
        button(
          "Sign in again",
          reporting(() => beginSignIn(session.settings, session.clientId, "", true)),
        ),
      ),
    administers &&
      (status === 401 || status === 403) &&
      token !== "" &&
      element(
        "p",
        { className: "actions" },
        button(
          "Explain this refusal",
          reporting(() => explainRefusal(why, session, method, path, token)),
          { className: "quiet" },
        ),
      ),
    why,
    element("pre", {
      id: "body",
      tabIndex: 0,
      role: "region",
      "aria-label": "Body of the response",
      textContent: typeof content === "string" ? content : JSON.stringify(content, null, 2),
    }),
  );
  result.scrollIntoView({ block: "nearest" });
}

async function explainRefusal(node, session, method, path, token) {
  const answer = await session.call("POST", "/admin/explain", { method, path: path.replace(/\?.*/, ""), token });
  fill(node, explained(answer));
}
