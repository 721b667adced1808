// Optional: every page works without this script. It fills the rails that no edge has filled, and copies a story's address.
"use strict";

// Marks the open story among the latest. The story stays in its place, so that nothing moves.
function mark(slot) {
  const open = document.querySelector(".story")?.dataset.article;
  slot.querySelector(`[data-article="${open}"] a`)?.setAttribute("aria-current", "page");
}

// Loads an older rail without the stories that are shown already.
async function older(url, shown) {
  const reply = await fetch(url, { credentials: "omit" });
  if (!reply.ok) throw new Error(reply.status);
  const part = document.createElement("div");
  part.innerHTML = await reply.text();
  for (const card of part.querySelectorAll("[data-article]")) {
    if (shown.has(card.dataset.article)) card.closest("li").remove();
  }
  return part;
}

// "More" adds the next older day's stories; without this script it leads to that day's page.
async function more(event) {
  const link = event.target.closest("[data-more]");
  if (!link || event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  const slot = link.closest("[data-rail]");
  const shown = new Set([...slot.querySelectorAll("[data-article]")].map((card) => card.dataset.article));
  const words = link.textContent;
  link.textContent = slot.dataset.loading;
  try {
    let part = await older(link.dataset.more, shown);
    for (let next; !part.querySelector("li") && (next = part.querySelector("[data-more]")); ) {
      part = await older(next.dataset.more, shown); // a day that had nothing new
    }
    const first = part.querySelector("a");
    link.closest("p").replaceWith(...part.children);
    mark(slot);
    first.focus();
  } catch {
    link.textContent = words;
    location.href = link.href;
  }
}

async function fill(slot) {
  if (!slot.querySelector("li")) {
    try {
      const reply = await fetch(slot.dataset.rail, { credentials: "omit" });
      if (reply.ok) slot.innerHTML = await reply.text();
    } catch {
      // Offline: the link above the slot stays.
    }
  }
  slot.hidden = !slot.querySelector("li");
  mark(slot);
}

document.querySelectorAll("[data-rail]").forEach(fill);
document.addEventListener("click", more);

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.disabled = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = button.dataset.done;
    } catch {
      button.disabled = true;
    }
  });
}
