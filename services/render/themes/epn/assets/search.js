// Searches the newest stories in the browser: loads one small file and sends no query to a server.
"use strict";

const said = document.querySelector(".search__said");
const found = document.querySelector(".search__found");
// Drops accents, and Arabic signs for short vowels, doubling and stretching; the vowels of Indian scripts stay.
const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f\u0640\u064b-\u065f\u0670]/gu, "").toLocaleLowerCase();
const spoken = document.documentElement.lang;
// Only English has a fixed locale: its locales differ in the order, and the pages show the day first.
const custom = /^en\b/u.test(spoken) ? "en-GB" : spoken;
const dated = (day) => new Date(day).toLocaleDateString(`${custom}-u-nu-latn`, { dateStyle: "long", timeZone: "UTC" });

// Every word must occur; in the headline it counts three times, at a word's beginning twice as much.
function rank(item, words) {
  const head = plain(item.h);
  const rest = plain([item.s, item.k, ...(item.p ?? [])].join(" "));
  let score = 0;
  for (const word of words) {
    const own = 3 * head.includes(word) * (1 + ` ${head}`.includes(` ${word}`)) + rest.includes(word);
    if (!own) return 0;
    score += own;
  }
  return score;
}

function show(item) {
  const card = document.createElement("article");
  card.className = "card";
  const link = document.createElement("a");
  link.href = item.u;
  link.textContent = item.h;
  const head = document.createElement("h2");
  head.className = "card__headline";
  head.dir = "auto";
  head.append(link);
  const line = document.createElement("p");
  line.className = "card__time";
  line.textContent = `${item.k} · ${dated(item.t.slice(0, 10))}`;
  card.append(head, line);
  const place = document.createElement("li");
  place.append(card);
  return place;
}

async function search(asked) {
  const words = plain(asked).split(/\s+/u).filter(Boolean);
  if (!words.length) return;
  said.textContent = said.dataset.loading;
  try {
    const reply = await fetch(found.dataset.recent, { credentials: "omit" });
    const { items } = await reply.json();
    const ranked = items.map((item) => [rank(item, words), item]).filter(([score]) => score);
    ranked.sort(([one], [other]) => other - one);
    found.replaceChildren(...ranked.slice(0, 50).map(([, item]) => show(item)));
    said.textContent = ranked.length ? `${said.dataset.found} ${ranked.length}` : said.dataset.nothing;
  } catch {
    said.textContent = said.dataset.nothing;
  }
}

const asked = new URLSearchParams(location.search).get("q") ?? "";
document.querySelector("#epn-q").value = asked;
search(asked);
