// Drawing a page of rows in two steps: to lay out all of them takes longer than to ask for them, and
// those further down are out of sight anyway.

const IN_SIGHT = 12;

// Where the table has room to spare, its columns are as wide as all of its rows ask for: there the
// second step would move what the first has shown.
const isCramped = (region) => region !== null && region.scrollWidth > region.clientWidth;

// Hides the rows that can wait, before they come into the page; returns them.
export function heldBack(answer, region) {
  if (!isCramped(region)) return [];
  const rows = [...answer.querySelectorAll("tr[data-api-id]")].slice(IN_SIGHT);
  for (const row of rows) row.hidden = true;
  return rows;
}

// After the frame that shows the others: not in it, which would wait for these.
export function shownNext(rows) {
  if (rows.length === 0) return;
  requestAnimationFrame(() =>
    setTimeout(() => {
      for (const row of rows) row.hidden = false;
    }),
  );
}
