// One person: the groups, and the end of the person's access.

import { button, element, fill, link, terms } from "../dom.js";
import { confirmAction, withForce } from "../dialogs.js";
import { announce, reporting } from "../feedback.js";
import { accountText, time } from "../format.js";
import { groupChoice, knownGroups } from "../groups.js";
import { apiPath } from "../http.js";

const ACTIONS = {
  "sign-out": {
    label: "Sign out everywhere",
    done: "Signed out everywhere.",
    text: "Tokens that were issued until now are refused on routes that policies decide. The person can sign in again.",
  },
  disable: {
    label: "Disable",
    done: "Disabled.",
    text: "The person cannot sign in until the account is enabled. Tokens that were issued until now are refused.",
  },
  enable: {
    label: "Enable",
    done: "Enabled.",
    text: "The person can sign in again. Older tokens stay refused.",
    danger: false,
  },
};

export async function showPerson(view, context, username) {
  const { session, permissions, heading } = context;
  const path = apiPath("/admin/users", username);
  const [user, known] = await Promise.all([session.call("GET", path), knownGroups(context)]);
  const who = user.email ?? user.username;
  heading.textContent = who;
  const mayGroup = await permissions.may("PUT", `${path}/groups`);
  const choice = groupChoice("person", known, user.groups, !mayGroup);
  const offered = ["sign-out", user.enabled ? "disable" : "enable"];
  const allowed = await Promise.all(offered.map((action) => permissions.may("POST", `${path}/${action}`)));
  const actions = offered.filter((_, number) => allowed[number]);
  fill(
    view,
    element("p", {}, link("All people", "people")),
    element(
      "section",
      { className: "card" },
      terms({
        Account: element("span", {
          className: user.enabled ? "good" : "bad",
          textContent: user.enabled ? "enabled" : "disabled",
        }),
        Status: element("span", {}, accountText(user.status)),
        ...(user.name && { Name: element("span", {}, user.name) }),
        Subject: user.sub,
        Username: user.username,
        Created: element("span", {}, time(user.created_at)),
      }),
    ),
    element(
      "form",
      { className: "card", onsubmit: reporting(save) },
      choice.node,
      mayGroup &&
        element("p", { className: "actions" }, element("button", { type: "submit", textContent: "Save the groups" })),
    ),
    actions.length > 0 &&
      element(
        "section",
        { className: "card" },
        element("h3", { textContent: "Access" }),
        element(
          "p",
          { className: "actions" },
          actions.map((action) =>
            button(ACTIONS[action].label, () => ask(action), {
              className: ACTIONS[action].danger === false ? "" : "danger",
            }),
          ),
        ),
      ),
  );

  async function save() {
    const groups = choice.read();
    const removed = user.groups.filter((name) => !groups.includes(name));
    if (!removed.length) return put(groups);
    return confirmAction({
      title: `Remove ${who} from ${removed.join(", ")}`,
      content: element("p", {
        textContent: "The person's older tokens are refused as well, because they still name the group.",
      }),
      action: "Remove",
      run: () => put(groups),
    });
  }

  async function put(groups) {
    const result = await withForce(
      (force) => session.call("PUT", `${path}/groups`, { groups, ...(force && { force }) }),
      `${who} would lose groups.`,
    );
    await finish("Saved the groups.", result);
  }

  function ask(action) {
    const { label, text, done, danger } = ACTIONS[action];
    confirmAction({
      title: `${label}: ${who}`,
      content: element("p", { textContent: text }),
      action: label,
      danger,
      run: async () => {
        const change = (force) => session.call("POST", `${path}/${action}`, force ? { force } : undefined);
        await finish(done, await withForce(change, `${who} would be disabled.`));
      },
    });
  }

  async function finish(done, { notices }) {
    permissions.forget();
    await context.again();
    announce([done, ...(notices ?? [])].join(" "));
  }
}
