// Moves the focus between the buttons of a table by the arrow keys. Only one of them is in the order of the Tab key.

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export function moveByArrows(table) {
  const lines = [...table.rows].map((row) => [...row.querySelectorAll("td button")]).filter((line) => line.length);
  const all = lines.flat();
  all.forEach((cell, number) => {
    cell.tabIndex = number ? -1 : 0;
  });
  table.addEventListener("focusin", ({ target }) => {
    if (all.includes(target))
      all.forEach((cell) => {
        cell.tabIndex = cell === target ? 0 : -1;
      });
  });
  table.addEventListener("keydown", (event) => {
    const row = lines.findIndex((line) => line.includes(event.target));
    if (row < 0) return;
    const next = target(lines, row, lines[row].indexOf(event.target), event);
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}

// Returns the button that a key moves to.
function target(lines, row, column, { key, ctrlKey }) {
  if (key === "Home") return (ctrlKey ? lines[0] : lines[row])[0];
  if (key === "End") return (ctrlKey ? lines.at(-1) : lines[row]).at(-1);
  const step = STEPS[key];
  return step && lines[row + step[0]]?.[column + step[1]];
}
