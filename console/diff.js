// Compares two texts line by line.

import { element, hidden } from "./dom.js";

// Returns [{sign, text}] with the sign "+" for a new line, "-" for an old one, and " " for a common one. Pure.
export function lineDiff(before, after) {
  const [old, new_] = [before, after].map((text) => (text === "" ? [] : text.split("\n")));
  // length[i][j]: of the longest common subsequence of old[i…] and new_[j…]
  const length = Array.from({ length: old.length + 1 }, () => new Array(new_.length + 1).fill(0));
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = new_.length - 1; j >= 0; j--) {
      length[i][j] = old[i] === new_[j] ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1]);
    }
  }
  const lines = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < new_.length) {
    if (i < old.length && j < new_.length && old[i] === new_[j]) lines.push({ sign: " ", text: old[i++], skip: j++ });
    else if (j >= new_.length || (i < old.length && length[i + 1][j] >= length[i][j + 1]))
      lines.push({ sign: "-", text: old[i++] });
    else lines.push({ sign: "+", text: new_[j++] });
  }
  return lines.map(({ sign, text }) => ({ sign, text }));
}

// Returns a block that shows the difference of two lists of statements.
export function diffBlock(label, before, after) {
  const names = { "+": "added: ", "-": "removed: " };
  const lines = lineDiff(statementsText(before), statementsText(after)).map(({ sign, text }) =>
    element(
      "span",
      { className: { "+": "added", "-": "removed" }[sign] ?? "" },
      names[sign] && hidden(names[sign]),
      `${sign} ${text}\n`,
    ),
  );
  return element("pre", { tabIndex: 0, role: "region", "aria-label": label, className: "diff" }, lines);
}

// Returns the statements as text, one field on a line. A missing policy has no line.
export function statementsText(statements) {
  if (!statements?.length) return "";
  return statements
    .map((statement) => {
      const fields = Object.entries(statement).map(
        ([name, value]) => `  ${name}: ${Array.isArray(value) ? value.join(", ") : value}`,
      );
      return ["statement", ...fields].join("\n");
    })
    .join("\n");
}
