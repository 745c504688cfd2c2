// The search for people: the form, and the criteria in the address of the page.

import { addressWith, button, element, field } from "./dom.js";
import { ACCOUNTS } from "./format.js";
import { reporting } from "./feedback.js";

const FIELDS = { email: "E-mail address", username: "User name", name: "Name", sub: "Subject (sub)" };
const LONGEST = 100; // of the text that the API searches for
const CRITERIA = ["begins_with", "attribute", "group", "status", "enabled"];

// Returns the criteria of an address as parameters of GET /admin/users. Other parameters are dropped. Pure.
export function criteriaOf(query) {
  const given = CRITERIA.filter((name) => query.get(name)).map((name) => [name, query.get(name)]);
  return Object.fromEntries(given);
}

// Returns the form. groups: the names that can be chosen. search: takes the address of the result
export function searchForm(criteria, groups, search) {
  const attribute = choice("attribute", Object.entries(FIELDS), criteria.attribute ?? "email");
  const text = element("input", {
    id: "begins-with",
    type: "search",
    maxLength: LONGEST,
    spellcheck: false,
    autocomplete: "off",
    value: criteria.begins_with ?? "",
  });
  const labelled = field("", text, "Cognito finds no parts of a value. In user names, the case matters.");
  const relabel = () => {
    labelled.firstChild.textContent = attribute.value === "sub" ? "Is exactly" : "Begins with";
  };
  attribute.addEventListener("change", relabel);
  relabel();
  const names = [...new Set([...groups, ...(criteria.group ? [criteria.group] : [])])];
  const group = choice("group", [["", "Any group"], ...names.map((name) => [name, name])], criteria.group);
  const states = [
    ["", "Any state"],
    ["true", "Enabled"],
    ["false", "Disabled"],
  ];
  const enabled = choice("enabled", states, criteria.enabled);
  const status = choice("account", [["", "Any account"], ...Object.entries(ACCOUNTS)], criteria.status);
  const submit = reporting(async () => {
    const wanted = text.value.trim();
    if (attribute.value === "sub" && wanted) return search(addressWith({}, "people", wanted));
    const chosen = { begins_with: wanted, attribute: wanted && attribute.value };
    const all = { ...chosen, group: group.value, status: status.value, enabled: enabled.value };
    return search(addressWith(Object.fromEntries(Object.entries(all).filter(([, value]) => value)), "people"));
  });
  return element(
    "form",
    { className: "card", role: "search", "aria-label": "People", onsubmit: submit },
    element(
      "div",
      { className: "fields criteria" },
      field("Search in", attribute),
      labelled,
      names.length > 0 && field("Group", group),
      field("State", enabled),
      field("Account", status),
    ),
    element(
      "p",
      { className: "actions" },
      element("button", { type: "submit", textContent: "Search" }),
      Object.keys(criteria).length > 0 &&
        button("Show everybody", () => search(addressWith({}, "people")), { className: "quiet" }),
    ),
  );
}

function choice(id, options, value = "") {
  const select = element(
    "select",
    { id },
    options.map(([name, textContent]) => element("option", { value: name, textContent })),
  );
  if (options.some(([name]) => name === value)) select.value = value;
  return select;
}
