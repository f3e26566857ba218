// The trader's page: connects the socket, the state and the painters, and is what the keyboard talks to.
// Loaded by templates/trading/terminal.html; the other modules here are its parts.

import "./settings.js";
import { chartLoad, chartStart, takeChart } from "./chart.js";
import { Feed } from "./feed.js";
import { marketStart, mergeTape, neighbour, takeBook, takeTape, takeTicker } from "./market.js";
import { askCancelAll, mineReset, mineStart, takeFunds, takeOrders, takePositions, takeTrades, tradesLoad } from "./mine.js";
import { ordersStart } from "./orders.js";
import { NotReady, forget, getJson, token } from "./session.js";
import { frames, mark, state } from "./state.js";
import { nextOffset, ticketPrice, ticketReset, ticketStart } from "./ticket.js";
import { byId, setText, t, toast } from "./texts.js";
import { confirm, dialogsStart, keysStart, openDialog, tabsStart, viewsStart, chooseTab } from "./shell.js";

const TICKERS_MAX = 150; // of the 200 streams a connection may hold
const LOOK_MS = 5000;
const LOOK_STALE_MS = 1000;
const ROUTES = {
  ticker: takeTicker,
  order_book: takeBook,
  trades: (push) => {
    takeTape(push);
    takeChart(push);
    if (push.snapshot && push.reason) historyLoad(); // trades were missed on the way
  },
  account_update: takeFunds,
  position_update: takePositions,
  order_status: takeOrders,
  trade: (push) => {
    takeTrades(push);
    if (push.snapshot && push.reason) tradesLoad();
  },
};

const feed = new Feed({ onPush: (push) => ROUTES[push.type]?.(push), onState: feedState, onReady: subscribe });
let subscribed = { chosen: "", account: "", tickers: new Set() };
let hasBeenLive = false;
let connections = 0;
let look = 0;

// ---- what the connection says --------------------------------------------------------------------

const STATUS = {
  connecting: "Connecting",
  live: "Live",
  stale: "Rebuilding",
  off: "Disconnected",
};

function feedState(name, waitMs = 0) {
  const was = state.feed;
  state.feed = name;
  document.body.dataset.feed = name;
  byId("status").dataset.state = name;
  setText(byId("status").querySelector("[data-text]"), t(STATUS[name]));
  const notice = byId("notice");
  notice.hidden = name === "live" || (name === "connecting" && !hasBeenLive);
  notice.dataset.kind = name;
  if (name === "off") setText(notice, t("The connection is gone; prices and positions below are old. Trying again by itself."));
  if (name === "stale") setText(notice, t("Live data is being rebuilt; what you see may be old. It comes back by itself."));
  if (name === "live" && hasBeenLive && was !== "live") toast("good", t("Connected again"), t("Everything shown is fresh."), 3000);
  hasBeenLive ||= name === "live";
  mark("feed");
}

async function subscribe() {
  subscribed = { chosen: "", account: "", tickers: new Set() };
  await instrumentsLook();
  await subscriptionsRenew();
  connections += 1;
  if (connections > 1) historyLoad();
}

/** Bars and last trades anew, where some may have been missed. */
function historyLoad() {
  chartLoad();
  tapeLoad(state.chosen);
}

/** Make the subscriptions fit what is chosen; safe to call at any time. */
async function subscriptionsRenew() {
  if (!["live", "stale"].includes(state.feed)) return;
  const fresh = [...state.specs.keys()].slice(0, TICKERS_MAX).filter((id) => !subscribed.tickers.has(id));
  if (fresh.length) {
    for (const id of fresh) subscribed.tickers.add(id);
    ask({ type: "subscribe", channels: ["ticker"], instruments: fresh });
  }
  if (state.chosen && subscribed.chosen !== state.chosen) {
    const before = subscribed.chosen;
    subscribed.chosen = state.chosen;
    if (before) ask({ type: "unsubscribe", channels: ["orderbook", "trades"], instruments: [before] });
    ask({ type: "subscribe", channels: ["orderbook", "trades"], instruments: [state.chosen], depth: 5 });
  }
  if (state.account && subscribed.account !== state.account) {
    const before = subscribed.account;
    subscribed.account = state.account;
    const channels = ["account", "position", "order", "trade"];
    if (before) ask({ type: "unsubscribe", channels, account_ids: [before] });
    ask({ type: "subscribe", channels, account_ids: [state.account], grouped: true });
    tradesLoad();
  }
}

function ask(message) {
  feed.request(message).catch(() => {}); // a lost socket subscribes anew when it is back
}

// ---- instruments ---------------------------------------------------------------------------------

/** Read the list again now and then: new instruments, new rates, and whether live data can be read. */
async function instrumentsLook() {
  clearTimeout(look);
  let wait = LOOK_MS;
  try {
    const answer = await getJson("/pages/instruments", false);
    const dayBefore = [...state.specs.values()][0]?.trading_day;
    state.scales = answer.scales;
    state.specs = new Map(answer.instruments.map((row) => [row.full_id, row]));
    if (state.feed === "stale") feedState("live");
    if (!state.specs.has(state.chosen)) choose(startWith());
    const day = [...state.specs.values()][0]?.trading_day;
    if (dayBefore && dayBefore !== day) dayTurned();
    await subscriptionsRenew();
    mark("watch", "ticket", "quote");
  } catch (error) {
    if (!(error instanceof NotReady)) throw error;
    wait = LOOK_STALE_MS;
    if (state.feed === "live") feedState("stale");
  }
  look = setTimeout(instrumentsLook, wait);
}

function dayTurned() {
  state.trades.clear();
  mark("trades");
  tradesLoad();
  chartLoad();
  toast("info", t("A new trading day has begun"));
}

function startWith() {
  const kept = localStorage.getItem("outcry.instrument");
  return state.specs.has(kept) ? kept : [...state.specs.keys()][0];
}

function choose(id) {
  if (!id || id === state.chosen) {
    closeList();
    return;
  }
  state.chosen = id;
  localStorage.setItem("outcry.instrument", id);
  state.book = { bids: new Map(), asks: new Map() };
  state.tape = [];
  ticketReset();
  mark("chosen");
  closeList();
  subscriptionsRenew();
  historyLoad();
}

function closeList() {
  document.body.dataset.list = "";
  if (document.body.dataset.view === "list") document.body.dataset.view = "market";
}

/** The newest trades from history, for an instrument this web process has seen none of. */
async function tapeLoad(id) {
  try {
    const answer = await getJson(`/api/market/trades/${encodeURIComponent(id)}?limit=40`);
    if (id === state.chosen) mergeTape(answer.data);
  } catch (error) {
    if (!(error instanceof NotReady)) throw error;
  }
}

// ---- accounts ------------------------------------------------------------------------------------

async function accountsLoad() {
  let rows;
  try {
    rows = (await getJson(`/api/user/${document.body.dataset.user}/accounts`)).data.accounts;
  } catch (error) {
    if (!(error instanceof NotReady)) throw error;
    setTimeout(accountsLoad, 1500);
    return;
  }
  const open = rows.filter((row) => row.state === "open");
  const pick = byId("account");
  pick.replaceChildren(...open.map((row) => new Option(row.account_id, row.account_id)));
  pick.disabled = open.length === 0;
  byId("open-cash").disabled = open.length === 0;
  const kept = localStorage.getItem("outcry.account");
  const wanted = open.find((row) => row.account_id === kept) ?? open[0];
  if (wanted) accountChoose(wanted.account_id);
  else {
    pick.replaceChildren(new Option(t("no account"), ""));
    if (rows.length) setTimeout(accountsLoad, 1500);
  }
}

function accountChoose(id) {
  byId("account").value = id;
  if (id === state.account) return;
  state.account = id;
  localStorage.setItem("outcry.account", id);
  mineReset();
  subscriptionsRenew();
}

async function accountsChanged() {
  // The socket must know of the new account before it is chosen.
  forget();
  try {
    await feed.request({ type: "auth", token: await token() });
  } catch {
    // The next login of the socket knows it.
  }
  await accountsLoad();
}

// ---- start ---------------------------------------------------------------------------------------

document.addEventListener("alpine:init", () => {
  window.Alpine.data("menu", () => ({
    isOpen: false,
    get expanded() {
      return String(this.isOpen);
    },
    toggle() {
      this.isOpen = !this.isOpen;
    },
    close() {
      this.isOpen = false;
    },
  }));
});

function start() {
  ordersStart(feed);
  marketStart({ onChoose: choose, onPrice: ticketPrice });
  mineStart({ confirm, onChoose: choose });
  ticketStart();
  chartStart();
  dialogsStart({ onAccount: accountChoose });
  tabsStart();
  viewsStart();
  keysStart({
    next: () => choose(neighbour(1)),
    previous: () => choose(neighbour(-1)),
    offset: nextOffset,
    cancelAll: askCancelAll,
    tab: chooseTab,
    help: () => openDialog("keys-dialog"),
  });
  byId("account").addEventListener("change", (event) => accountChoose(event.target.value));
  document.body.addEventListener("accounts-changed", accountsChanged);
  window.outcry = { state, frames, feed }; // for the tests that measure this page, and for the curious
  accountsLoad();
  feed.connect();
}

start();
