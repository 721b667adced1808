// The page reads well without this file. It fills the rails where no edge has done so, and copies a story's address.
"use strict";

// The story that is open needs no card beside itself; a rail with nothing to show takes no room.
function settle(rail) {
  const slot = rail.querySelector("[data-rail]");
  const open = document.querySelector(".story")?.dataset.article;
  for (const card of slot.querySelectorAll("[data-article]")) {
    if (card.dataset.article === open) card.closest("li").remove();
  }
  slot.dataset.state = "settled";
  if (!slot.querySelector("li") && rail.classList.contains("rail--also")) rail.hidden = true;
}

async function fill(rail) {
  const slot = rail.querySelector("[data-rail]");
  if (!slot.querySelector("li")) {
    try {
      const reply = await fetch(slot.dataset.rail, { credentials: "omit" });
      if (reply.ok) slot.innerHTML = await reply.text();
    } catch {
      // Offline: the link above the slot stays.
    }
  }
  settle(rail);
}

document.querySelectorAll(".rail").forEach(fill);

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
