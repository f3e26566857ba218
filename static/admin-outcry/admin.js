// The console's small behaviours: menus that close, a front page that stays fresh, buttons pressed once.
// Loaded by every admin page.

const REFRESH_MS = 2000;

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
  }
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "/" && !typing) {
    const search = document.getElementById("searchbar");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
});

// A second click must not ask for the same thing twice.
for (const form of document.querySelectorAll("form.act")) {
  form.addEventListener("submit", () => {
    for (const button of form.querySelectorAll("button:not([type=button])")) {
      setTimeout(() => { button.disabled = true; });
    }
  });
}
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form.act button")) button.disabled = false;
});

const front = document.getElementById("front");

async function refresh() {
  const age = document.getElementById("front-age");
  try {
    const answer = await fetch(front.dataset.url, { credentials: "same-origin", redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const text = await answer.text();
    // Not under the reader's hands: a link that is being tabbed to stays where it is.
    if (!front.contains(document.activeElement)) front.innerHTML = text;
    age.textContent = "";
    front.classList.remove("is-stale");
  } catch {
    age.textContent = front.dataset.stale;
    front.classList.add("is-stale");
  }
  setTimeout(refresh, document.hidden ? 5 * REFRESH_MS : REFRESH_MS);
}

if (front) setTimeout(refresh, REFRESH_MS);
