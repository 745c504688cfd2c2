// The page "Groups": the groups of the user pool, with their policies and their members.

import { addressWith, button, element, fill, link, table } from "../dom.js";
import { reporting } from "../feedback.js";

export async function show(view, { session, permissions }) {
  const groups = [];
  const list = element("div", {});
  const more = element("p", { className: "actions" });
  const [seesPolicies, seesPeople] = await Promise.all(
    ["/admin/policies", "/admin/users"].map((path) => permissions.may("GET", path)),
  );
  fill(
    view,
    element("p", {
      textContent: "The groups of the user pool. A group without a policy allows nothing.",
    }),
    list,
    more,
  );
  await load("");

  async function load(token) {
    const answer = await session.call("GET", `/admin/groups${token && `?token=${encodeURIComponent(token)}`}`);
    groups.push(...answer.groups);
    fill(
      list,
      groups.length
        ? table("Groups", ["Group", "Description", "Policy", "Members"], groups.map(row))
        : element("p", { className: "card", textContent: "The user pool has no group." }),
    );
    fill(
      more,
      answer.next_token &&
        button(
          "Show more groups",
          reporting(() => load(answer.next_token)),
          { className: "quiet" },
        ),
    );
  }

  function row(group) {
    const { name, description, automatic } = group;
    const members = element("a", {
      href: addressWith({ group: name }, "people"),
      textContent: "Members",
      "aria-label": `Members of ${name}`,
    });
    return [
      name,
      [description ?? "", automatic && element("small", { textContent: "Cognito keeps the members of this group." })],
      element(
        "span",
        {},
        element("span", {
          className: group.policy === "valid" || automatic ? "" : "bad",
          textContent: policyText(group),
        }),
        seesPolicies && [" ", policyLink(group)],
      ),
      seesPeople ? members : "",
    ];
  }
}

function policyLink({ name, policy }) {
  const text = policy === "none" ? "Write one" : "Open";
  const made = link(text, "policies", "group", name);
  made.setAttribute("aria-label", `${text}: the policy of ${name}`);
  return made;
}

// Returns the state of the policy of a group as a text.
function policyText({ automatic, policy, policy_version, statements }) {
  if (policy === "none") return automatic ? "no policy" : "no policy: members are denied";
  if (policy === "corrupt") return "invalid policy: requests of members fail";
  return `version ${policy_version}, ${statements === 1 ? "1 statement" : `${statements} statements`}`;
}
