// The groups that a person can be added to, and the form that chooses some of them.

import { element, field } from "./dom.js";
import { parseSubject } from "./format.js";

const LARGEST_PAGE = 60;
const MOST_PAGES = 10;

// Returns {groups, complete}. groups: [{name, automatic, policy}], see GET /admin/groups.
// complete: whether these are all groups of the user pool. Without a permission to list them: the groups with a policy
export async function knownGroups({ session, permissions }) {
  if (!(await permissions.may("GET", "/admin/groups"))) {
    return { groups: await groupsWithPolicy(session, permissions), complete: false };
  }
  const groups = [];
  let token = null;
  for (let page = 0; page === 0 || (token && page < MOST_PAGES); page++) {
    const more = token ? `&token=${encodeURIComponent(token)}` : "";
    const answer = await session.call("GET", `/admin/groups?limit=${LARGEST_PAGE}${more}`);
    groups.push(...answer.groups);
    token = answer.next_token;
  }
  return { groups, complete: !token };
}

async function groupsWithPolicy(session, permissions) {
  if (!(await permissions.may("GET", "/admin/policies"))) return [];
  const { policies } = await session.call("GET", "/admin/policies");
  const subjects = policies.map(({ subject }) => parseSubject(subject)).filter(({ kind }) => kind === "group");
  return subjects.map(({ name }) => ({ name, automatic: false, policy: "valid" }));
}

// Returns the names of the groups whose members an administrator chooses. Cognito keeps those of the others. Pure.
export const assignable = ({ groups }) => groups.filter(({ automatic }) => !automatic).map(({ name }) => name);

// Returns {node, read}: checkboxes for the groups, and a field for further ones; `read` returns the chosen names.
export function groupChoice(id, known, chosen, disabled = false) {
  const details = new Map(known.groups.map((group) => [group.name, group]));
  const names = [...new Set([...assignable(known), ...chosen])].sort();
  const boxes = names.map((name, number) =>
    element("input", {
      type: "checkbox",
      id: `${id}-group-${number}`,
      value: name,
      checked: chosen.includes(name),
      disabled: disabled || details.get(name)?.automatic,
      "aria-describedby": details.get(name)?.policy === "none" ? `${id}-without-policy-${number}` : undefined,
    }),
  );
  const labels = boxes.map((box, number) => [
    element("label", { htmlFor: box.id }, box, box.value),
    box.hasAttribute("aria-describedby") &&
      element("small", { id: `${id}-without-policy-${number}`, textContent: "no policy" }),
  ]);
  const further =
    !known.complete && element("input", { id: `${id}-further`, spellcheck: false, autocomplete: "off", disabled });
  const node = element(
    "fieldset",
    { className: "groups" },
    element("legend", { textContent: "Groups" }),
    element(
      "div",
      { className: "methods" },
      labels.map((parts) => element("span", { className: "pick" }, parts)),
    ),
    further && field("Further groups", further, "Names of groups that are not listed, separated by spaces."),
  );
  const read = () => [
    ...new Set([
      ...boxes.filter((box) => box.checked).map((box) => box.value),
      ...(further ? further.value.split(/\s+/).filter(Boolean) : []),
    ]),
  ];
  return { node, read };
}
