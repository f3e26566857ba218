// What is around the data: dialogs, tabs, the phone's views, the keyboard.
// Used by terminal.js.

import { state } from "./state.js";
import { byId, setText } from "./texts.js";

// ---- dialogs -------------------------------------------------------------------------------------

export function openDialog(id) {
  const dialog = byId(id);
  if (!dialog.open) dialog.showModal();
}

/** The two dialogs whose content comes from the server, and the buttons that close any. */
export function dialogsStart({ onAccount }) {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
    const account = event.target.closest("[data-choose-account]");
    if (account) {
      onAccount(account.dataset.chooseAccount);
      byId("accounts-dialog").close();
    }
  });
  byId("open-accounts").addEventListener("click", () => load("accounts-dialog", "accounts-content", "/pages/accounts"));
  byId("open-cash").addEventListener("click", () => {
    setText(byId("cash-account"), state.account);
    load("cash-dialog", "cash-content", `/pages/cash/${state.account}`);
  });
  byId("open-keys").addEventListener("click", () => openDialog("keys-dialog"));
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("close", () => {
      // A panel that asks again by itself stops when nobody looks.
      const content = dialog.querySelector("#cash-content, #accounts-content");
      content?.replaceChildren();
    });
  }
  document.body.addEventListener("htmx:afterSwap", localTimes);
}

function load(dialogId, contentId, path) {
  openDialog(dialogId);
  window.htmx.ajax("GET", path, { target: `#${contentId}`, swap: "innerHTML" });
}

function localTimes() {
  for (const node of document.querySelectorAll("time[data-local]")) {
    const moment = new Date(node.dateTime);
    const two = (number) => String(number).padStart(2, "0");
    const day = `${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
    setText(node, `${day} ${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`);
  }
}

/** Ask before something that cannot be taken back; true for yes. */
export function confirm({ title, text, yes }) {
  const dialog = byId("confirm-dialog");
  setText(byId("confirm-title"), title);
  setText(byId("confirm-text"), text);
  setText(byId("confirm-yes"), yes);
  return new Promise((resolve) => {
    const accept = () => dialog.close("yes");
    dialog.returnValue = "";
    byId("confirm-yes").addEventListener("click", accept, { once: true });
    dialog.addEventListener(
      "close",
      () => {
        byId("confirm-yes").removeEventListener("click", accept);
        resolve(dialog.returnValue === "yes");
      },
      { once: true },
    );
    dialog.showModal();
    byId("confirm-yes").focus();
  });
}

// ---- tabs and views ------------------------------------------------------------------------------

const TABS = ["positions", "orders", "trades"];

export function chooseTab(name, isFocused = false) {
  for (const other of TABS) {
    const tab = byId(`tab-${other}`);
    tab.setAttribute("aria-selected", String(other === name));
    tab.tabIndex = other === name ? 0 : -1;
    byId(`pane-${other}`).hidden = other !== name;
  }
  if (isFocused) byId(`tab-${name}`).focus();
}

export function tabsStart() {
  TABS.forEach((name, index) => {
    byId(`tab-${name}`).addEventListener("click", () => chooseTab(name));
    byId(`tab-${name}`).addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (by) chooseTab(TABS[(index + by + TABS.length) % TABS.length], true);
    });
  });
}

export function viewsStart() {
  const buttons = [...document.querySelectorAll(".views button")];
  const show = (view) => {
    document.body.dataset.view = view;
  };
  for (const button of buttons) button.addEventListener("click", () => show(button.dataset.view));
  new MutationObserver(() => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.view === document.body.dataset.view));
  }).observe(document.body, { attributeFilter: ["data-view"] });
  byId("pick").addEventListener("click", () => {
    const isOpen = document.body.dataset.list === "open";
    document.body.dataset.list = isOpen ? "" : "open";
    if (matchMedia("(max-width: 46rem)").matches) show("list");
    if (!isOpen) byId("find").focus();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".watch, #pick")) document.body.dataset.list = "";
  });
}

// ---- keyboard ------------------------------------------------------------------------------------

/** Single keys, whenever nothing is being typed. */
export function keysStart({ next, previous, offset, cancelAll, tab, help }) {
  const keys = {
    "/": () => {
      if (getComputedStyle(byId("find")).visibility === "hidden" || !byId("find").offsetParent) byId("pick").click();
      byId("find").focus();
    },
    j: next,
    k: previous,
    p: () => byId("price").select(),
    v: () => byId("volume").select(),
    o: offset,
    b: () => byId("buy").focus(),
    s: () => byId("sell").focus(),
    x: cancelAll,
    1: () => tab(TABS[0]),
    2: () => tab(TABS[1]),
    3: () => tab(TABS[2]),
    "?": help,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") {
      document.activeElement?.blur();
      document.body.dataset.list = "";
      return;
    }
    const isTyping = event.target.matches("input:not([type=radio]):not([type=checkbox]), select, textarea");
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (isTyping || !act) return;
    event.preventDefault();
    act();
  });
}
