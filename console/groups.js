// The choice of groups. The API does not list the groups of the user pool, so the groups with a policy are offered.

import { element, field } from "./dom.js";
import { parseSubject } from "./format.js";

// Returns the names of the groups that have a policy, if the caller may list the policies.
export async function knownGroups({ session, permissions }) {
  if (!(await permissions.may("GET", "/admin/policies"))) return [];
  const { policies } = await session.call("GET", "/admin/policies");
  return policies
    .map(({ subject }) => parseSubject(subject))
    .filter(({ kind }) => kind === "group")
    .map(({ name }) => name);
}

// Returns {node, read}: checkboxes for the groups, and a field for further ones; `read` returns the chosen names.
export function groupChoice(id, known, chosen, disabled = false) {
  const names = [...new Set([...known, ...chosen])].sort();
  const boxes = names.map((name, number) =>
    element("input", {
      type: "checkbox",
      id: `${id}-group-${number}`,
      value: name,
      checked: chosen.includes(name),
      disabled,
    }),
  );
  const labels = boxes.map((box) => element("label", { htmlFor: box.id }, box, box.value));
  const further = element("input", { id: `${id}-further`, spellcheck: false, autocomplete: "off", disabled });
  const node = element(
    "fieldset",
    { className: "groups" },
    element("legend", { textContent: "Groups" }),
    element("div", { className: "methods" }, labels),
    field("Further groups", further, "Names of groups without a policy, separated by spaces."),
  );
  const read = () => [
    ...new Set([
      ...boxes.filter((box) => box.checked).map((box) => box.value),
      ...further.value.split(/\s+/).filter(Boolean),
    ]),
  ];
  return { node, read };
}
