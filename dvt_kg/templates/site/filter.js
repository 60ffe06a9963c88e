"use strict";
const field = document.getElementById("filter");
const found = document.getElementById("found");
const items = [...document.querySelectorAll("#all li")];
field.addEventListener("input", () => {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const item of items) {
    item.hidden = !words.every((word) => item.dataset.words.includes(word));
    if (!item.hidden) shown += 1;
  }
  found.textContent = words.length ? `${shown} found` : "";
});
