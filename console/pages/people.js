// The page "People": the users, an invitation, and one user if the URL names one.

import { address, button, element, field, fill, link, table } from "../dom.js";
import { announce, reporting } from "../feedback.js";
import { accountText, time } from "../format.js";
import { groupChoice, knownGroups } from "../groups.js";
import { showPerson } from "./person.js";

export async function show(view, context, username) {
  if (username) return showPerson(view, context, username);
  const { session, permissions } = context;
  const people = [];
  const list = element("div", {});
  const more = element("p", { className: "actions" });
  const invitation = element("div", {});
  fill(view, finder(), invitation, list, more);
  await load("");
  if (await permissions.may("POST", "/admin/users")) fill(invitation, inviteForm(context, await knownGroups(context)));
  return undefined;

  async function load(query) {
    const { users, next_token } = await session.call("GET", `/admin/users${query}`);
    people.push(...users);
    fill(list, table("People", ["Person", "State", "Account", "Created"], people.map(row)));
    fill(
      more,
      next_token &&
        button(
          "Show more people",
          reporting(() => load(`?token=${encodeURIComponent(next_token)}`)),
          { className: "quiet" },
        ),
    );
  }
}

// Opens a person by a name that is not in the list yet.
function finder() {
  const name = element("input", { id: "find", required: true, maxLength: 128, spellcheck: false, autocomplete: "off" });
  const open = reporting(async () => {
    location.hash = address("people", name.value.trim());
  });
  return element(
    "form",
    { className: "finder", onsubmit: open },
    field("Find by e-mail address or subject", name),
    element("button", { type: "submit", className: "quiet", textContent: "Open" }),
  );
}

function row({ username, email, status, enabled, created_at }) {
  const state = element("span", { className: enabled ? "good" : "bad", textContent: enabled ? "enabled" : "disabled" });
  return [link(email ?? username, "people", username), state, accountText(status), time(created_at)];
}

function inviteForm(context, known) {
  const email = element("input", {
    id: "invite-address",
    type: "email",
    required: true,
    maxLength: 128,
    autocomplete: "off",
  });
  const groups = groupChoice("invite", known, []);
  const send = reporting(async () => {
    const { user } = await context.session.call("POST", "/admin/users", {
      username: email.value.trim(),
      groups: groups.read(),
    });
    await context.again();
    announce(`Invited ${user.email ?? user.username}. The invitation with a temporary password is on its way.`);
  });
  return element(
    "details",
    { className: "card" },
    element("summary", { textContent: "Invite a person" }),
    element(
      "form",
      { onsubmit: send },
      field("E-mail address", email),
      groups.node,
      element("p", { className: "actions" }, element("button", { type: "submit", textContent: "Send the invitation" })),
    ),
  );
}
