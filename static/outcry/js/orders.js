// Orders and cancels over the socket, and what is said about each outcome.
// Used by ticket.js, mine.js and terminal.js.

import { Unanswered } from "./feed.js";
import { grouped } from "./numbers.js";
import { state } from "./state.js";
import { t, toast, toastRefusal } from "./texts.js";

const BATCH = 100;
const ASK_AGAIN_MS = 1500;

let feed = null;

export function ordersStart(theFeed) {
  feed = theFeed;
}

/** "Buy 2 IF2512 @ 3800.0 · open", for people. */
export function orderText(row) {
  const offsets = { OPEN: "open", CLOSE: "close", CLOSETODAY: "close today" };
  const [exchange, bare] = row.instrument_id.includes(".") ? row.instrument_id.split(".") : [row.exchange_id, row.instrument_id];
  const size = row.volume !== undefined && row.volume !== null ? grouped(String(row.volume)) : `${grouped(String(row.budget))}`;
  const price = row.price && row.order_type !== "MARKET" ? ` @ ${grouped(String(row.price))}` : ` · ${t("market")}`;
  const offset = exchange === "SPOT" ? "" : ` · ${t(offsets[row.offset])}`;
  return `${t(row.direction === "BUY" ? "Buy" : "Sell")} ${size} ${bare.replace("_", "/")}${price}${offset}`;
}

/** Send one order; its own id makes sure that asking again never sends it twice. */
export async function sendOrder(order) {
  const named = { ...order, account_id: state.account, client_order_id: `web-${crypto.randomUUID?.() ?? fallbackId()}` };
  try {
    const answer = await feed.request({ type: "submit_order", ...named });
    if (!answer.success) toastRefusal(t("Order refused"), answer);
    else if (answer.status === "submitted") toast("info", t("Order placed"), orderText(order), 3000);
    return answer;
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    await lookUp(named);
    return null;
  }
}

/** `randomUUID` exists on secure pages only; a venue on a local network may be none. */
function fallbackId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The socket went before the answer: ask by the order's own id until somebody knows. */
async function lookUp(order) {
  toast("warn", t("Looking up the order"), `${orderText(order)}. ${t("The connection went before the answer came.")}`);
  for (let attempt = 0; attempt < 20; attempt += 1) {
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    try {
      const { account_id, client_order_id } = order;
      const answer = await feed.request({ type: "query_order", account_id, client_order_id });
      if (!answer.success) continue;
      const arrived = answer.data.status !== "unknown";
      if (arrived) toast("good", t("The order had arrived"), orderText(order));
      else toast("bad", t("The order did not arrive"), `${orderText(order)}. ${t("Nothing was sent; send it again if you still want it.")}`);
      return;
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
    }
  }
}

/** Cancel one order. */
export async function cancelOrder(orderId) {
  try {
    const answer = await feed.request({ type: "cancel_order", order_id: orderId, account_id: state.account });
    if (!answer.success) toastRefusal(t("Not cancelled"), answer);
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    toast("warn", t("Not cancelled yet"), t("The connection went before the answer came; see live orders."));
  }
}

/** Cancel every live order of the account, a hundred a message. */
export async function cancelAll() {
  const ids = [...state.orders.keys()];
  for (let at = 0; at < ids.length; at += BATCH) {
    try {
      await feed.request({ type: "cancel_orders", order_ids: ids.slice(at, at + BATCH), account_id: state.account });
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      toast("warn", t("Not all cancelled"), t("The connection went before the answer came; see live orders."));
      return;
    }
  }
}
