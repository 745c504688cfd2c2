// Builds the nodes of the page. A value is always set as text or as a property: no function here parses markup.

// Returns an element.
// properties: properties of the element; `on<event>` is a listener; a name that is not a property is an attribute;
//   undefined and null are omitted
// children: nodes, texts, lists of them; null, undefined and false are omitted
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...present(children));
  return made;
}

// Replaces the content of a node.
export function fill(node, ...children) {
  node.replaceChildren(...present(children));
  return node;
}

export const button = (text, onclick, properties = {}) =>
  element("button", { type: "button", textContent: text, onclick, ...properties });

// A link to a page of the console. The parts are encoded, so a name cannot leave the console.
export const link = (text, ...parts) => element("a", { href: address(...parts), textContent: text });

export const address = (...parts) => `#/${parts.map(encodeURIComponent).join("/")}`;

// The address of a page with a query, such as the criteria of a search.
export const addressWith = (query, ...parts) => {
  const text = new URLSearchParams(query).toString();
  return address(...parts) + (text && `?${text}`);
};

export const hidden = (text) => element("span", { className: "unseen", textContent: text });

export const code = (text) => element("code", { textContent: text });

// A path as code. A narrow screen breaks it after a slash.
export const pathCode = (path) =>
  element(
    "code",
    {},
    path.split(/(?<=\/)/).map((part) => [part, element("wbr")]),
  );

// A labelled field. The control needs an id.
export function field(label, control, hint) {
  const described = hint && element("small", { id: `${control.id}-hint`, textContent: hint });
  if (described) control.setAttribute("aria-describedby", described.id);
  return element(
    "div",
    { className: "field" },
    element("label", { htmlFor: control.id, textContent: label }),
    control,
    described,
  );
}

// A list of terms and values. values: texts or nodes
export const terms = (pairs) =>
  element(
    "dl",
    {},
    Object.entries(pairs).map(([name, values]) => [
      element("dt", { textContent: name }),
      element(
        "dd",
        {},
        [values].flat().map((value) => (value instanceof Node ? value : code(String(value)))),
      ),
    ]),
  );

// A table. On a narrow screen, each row is a block with labels, so each element states its role.
// rows: lists of cells; the first cell is the header of its row
export function table(caption, headings, rows) {
  const head = headings.map((text) => element("th", { scope: "col", role: "columnheader" }, text));
  const body = rows.map(([first, ...cells]) =>
    element(
      "tr",
      { role: "row" },
      element("th", { scope: "row", role: "rowheader" }, first),
      cells.map((cell, number) => element("td", { role: "cell", "data-label": headings[number + 1] }, cell)),
    ),
  );
  return element(
    "div",
    { className: "frame" },
    element(
      "table",
      { className: "stacked", role: "table" },
      element("caption", { className: "unseen", textContent: caption }),
      element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, head)),
      element("tbody", { role: "rowgroup" }, body),
    ),
  );
}

function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}
