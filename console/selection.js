// The people of a page as a table with checkboxes, and the actions for the selected ones.

import { button, element, field, link, table } from "./dom.js";
import { confirmBulk } from "./bulk.js";
import { accountText, labelOf, time } from "./format.js";

// Returns the table, with its actions if there are any.
// actions: some of ACTIONS; groups: the names to choose from; changed: gets a message after an action has ended
export function peopleTable(context, people, actions, groups, changed) {
  const boxes = people.map((person) =>
    element("input", { type: "checkbox", "aria-label": `Select ${labelOf(person)}`, onchange: () => update() }),
  );
  const rows = people.map((person, number) => row(person, actions.length > 0 && boxes[number]));
  const list = table("People", ["Person", "Name", "State", "Account", "Created"], rows);
  if (!actions.length) return list;

  const all = element("input", { type: "checkbox", id: "select-all", onchange: () => select(all.checked) });
  const action = element(
    "select",
    { id: "action", onchange: () => update() },
    actions.map(({ name, label }) => element("option", { value: name, textContent: label })),
  );
  const group = element(
    "select",
    { id: "action-group", onchange: () => update() },
    ["", ...groups].map((name) => element("option", { value: name, textContent: name || "Choose a group" })),
  );
  const groupField = field("Group to change", group);
  const apply = button("", () => {
    confirmBulk(context, chosen(), selected(), chosen().needsGroup && group.value, changed);
  });
  const toolbar = element(
    "div",
    { className: "toolbar", role: "group", "aria-label": "Actions for the selected people" },
    element("label", { className: "pick", htmlFor: all.id }, all, "Select all on this page"),
    field("Action", action),
    groupField,
    apply,
  );
  update();
  return element("div", { className: "selectable" }, toolbar, list);

  function chosen() {
    return actions.find(({ name }) => name === action.value);
  }

  function selected() {
    return people.filter((_, number) => boxes[number].checked);
  }

  function select(checked) {
    for (const box of boxes) box.checked = checked;
    update();
  }

  function update() {
    const { length } = selected();
    all.checked = length === people.length;
    all.indeterminate = length > 0 && length < people.length;
    groupField.hidden = !chosen().needsGroup;
    apply.disabled = !length || (chosen().needsGroup && !group.value);
    apply.textContent = length === 1 ? "Continue with 1 person" : `Continue with ${length} people`;
  }
}

function row(person, box) {
  const { username, name, status, enabled, created_at } = person;
  const state = element("span", { className: enabled ? "good" : "bad", textContent: enabled ? "enabled" : "disabled" });
  const opened = link(labelOf(person), "people", username);
  return [
    box ? element("span", { className: "pick" }, box, opened) : opened,
    name ?? "",
    state,
    accountText(status),
    time(created_at),
  ];
}
