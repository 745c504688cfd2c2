// The form that invites a person.

import { element, field } from "./dom.js";
import { announce, reporting } from "./feedback.js";
import { groupChoice } from "./groups.js";

// known: the result of knownGroups
export function inviteForm(context, known) {
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
    announce(`Invited ${user.email ?? user.username}. The user pool sends the invitation with a temporary password.`);
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
