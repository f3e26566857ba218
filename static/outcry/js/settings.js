// Colours and which colour rises: kept in cookies, so that the server's page has them before it is painted.
// Used by every page.

const YEAR_S = 31_536_000;

function remember(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `outcry_${name}=${value}; Path=/; Max-Age=${value ? YEAR_S : 0}; SameSite=Lax${secure}`;
}

function choose(name, value) {
  remember(name, value);
  if (value) document.documentElement.dataset[name] = value;
  else delete document.documentElement.dataset[name];
  document.dispatchEvent(new CustomEvent("outcry:colours"));
}

document.addEventListener("change", (event) => {
  const group = event.target.closest("[data-setting]");
  if (group) choose(group.dataset.setting, event.target.value);
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  document.dispatchEvent(new CustomEvent("outcry:colours"));
});
