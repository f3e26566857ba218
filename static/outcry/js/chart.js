// The candles: bars from the venue's history, the last one grown by the trades that are pushed.
// Used by terminal.js. Candles are a picture: here, and only here, prices are floats.

import { createChart, CandlestickSeries, HistogramSeries } from "../../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { NotReady, getJson } from "./session.js";
import { fullId, state } from "./state.js";
import { byId, setText, t } from "./texts.js";

const SECONDS = { 4: 60, 5: 300, 6: 900, 7: 1800, 8: 3600, 0: 86_400 };
const RETRIES_MAX = 30;

const plot = byId("plot");
let chart = null;
let candles = null;
let volumes = null;
let period = "4";
let bars = []; // {time, open, high, low, close, volume}
let loading = 0; // the number of the newest load; older ones are dropped
let waiting = []; // trades pushed while bars are being loaded
let trend = { up: "", down: "" };

/** A CSS colour as the browser computes it: tokens are light-dark() pairs. */
function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  plot.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function faint(rgb, share) {
  return rgb.replace(/rgba?\(([^)]+?)\)/, (_, inside) => `rgba(${inside.split(",").slice(0, 3).join(",")}, ${share})`);
}

export function chartStart() {
  chart = createChart(plot, {
    autoSize: true,
    layout: { attributionLogo: false, fontSize: 11, fontFamily: getComputedStyle(document.body).fontFamily },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.24 } },
    timeScale: { borderVisible: false, timeVisible: true, secondsVisible: false, rightOffset: 4, minBarSpacing: 2 },
    handleScale: { axisPressedMouseMove: { price: false } },
  });
  candles = chart.addSeries(CandlestickSeries, { borderVisible: false });
  volumes = chart.addSeries(HistogramSeries, { priceScaleId: "", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
  volumes.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
  chart.subscribeCrosshairMove((event) => showBar(event.seriesData?.get(candles)));
  paintColours();
  document.addEventListener("outcry:colours", () => {
    paintColours();
    volumes.setData(bars.map(volumeOf));
  });
  for (const button of document.querySelectorAll("[data-period]")) {
    button.addEventListener("click", () => choosePeriod(button));
  }
}

function paintColours() {
  trend = { up: colour("up"), down: colour("down") };
  const [ink, line, strong] = [colour("ink-3"), colour("line"), colour("line-strong")];
  chart.applyOptions({
    layout: { background: { color: colour("surface") }, textColor: ink },
    grid: { vertLines: { color: line }, horzLines: { color: line } },
    crosshair: { vertLine: { color: strong, labelBackgroundColor: colour("surface-3") }, horzLine: { color: strong, labelBackgroundColor: colour("surface-3") } },
  });
  candles.applyOptions({ upColor: trend.up, downColor: trend.down, wickUpColor: trend.up, wickDownColor: trend.down });
}

function choosePeriod(button) {
  for (const other of document.querySelectorAll("[data-period]")) other.setAttribute("aria-pressed", String(other === button));
  period = button.dataset.period;
  chartLoad();
}

/** Load the bars of the chosen instrument and period; tries again while history is behind. */
export async function chartLoad() {
  const number = (loading += 1);
  const instrument = state.specs.get(state.chosen);
  if (!instrument) return;
  bars = [];
  waiting = [];
  candles.setData([]);
  volumes.setData([]);
  showEmpty(t("Loading the chart"));
  const places = Number(instrument.tick_scale);
  candles.applyOptions({ priceFormat: { type: "price", precision: places, minMove: Number(instrument.tick_units) / 10 ** places } });
  chart.timeScale().applyOptions({ timeVisible: period !== "0" });
  for (let attempt = 0; attempt < RETRIES_MAX; attempt += 1) {
    try {
      const answer = await getJson(`/api/market/kline/${encodeURIComponent(instrument.full_id)}?period=${period}&count=500`);
      if (number === loading) fill(answer.data.klines);
      return;
    } catch (error) {
      if (!(error instanceof NotReady)) throw error;
      if (number !== loading) return;
      showEmpty(t("History is catching up"));
      await new Promise((resolve) => setTimeout(resolve, Math.min(500 * (attempt + 1), 5000)));
    }
  }
}

/** Epoch milliseconds as the seconds the chart shows: it knows no time zones, so local time is passed as UTC. */
function chartTime(ms) {
  return Math.floor(ms / 1000) - (period === "0" ? 0 : new Date(ms).getTimezoneOffset() * 60);
}

function fill(klines) {
  bars = klines.map((bar) => ({
    time: chartTime(Number(bar.datetime)),
    open: Number(bar.open),
    high: Number(bar.high),
    low: Number(bar.low),
    close: Number(bar.close),
    volume: Number(bar.volume),
  }));
  const since = klines.length ? Number(klines.at(-1).datetime) : 0;
  candles.setData(bars);
  volumes.setData(bars.map(volumeOf));
  showEmpty(bars.length ? "" : t("No trade yet in this instrument."));
  const pushed = waiting;
  waiting = null;
  for (const trade of pushed) if (Number(BigInt(trade.timestamp) / 1000000n) >= since + SECONDS[period] * 1000) grow(trade);
  chart.timeScale().applyOptions({ barSpacing: bars.length < 60 ? 13 : 8 });
  chart.timeScale().scrollToPosition(4, false);
  showBar(null);
}

/** Trades just pushed: they grow the last bar or begin the next. */
export function takeChart(push) {
  if (push.snapshot || fullId(push) !== state.chosen) return;
  if (waiting) waiting.push(...push.trades.slice(-500));
  else for (const trade of push.trades) grow(trade);
}

function grow(trade) {
  const ms = Number(BigInt(trade.timestamp) / 1000000n);
  const price = Number(trade.price);
  const start = chartTime(ms - (ms % (SECONDS[period] * 1000)));
  let bar = bars.at(-1);
  if (period === "0" ? !bar : !bar || start > bar.time) {
    bar = { time: start, open: price, high: price, low: price, close: price, volume: 0 };
    bars.push(bar);
    showEmpty("");
  }
  bar.high = Math.max(bar.high, price);
  bar.low = Math.min(bar.low, price);
  bar.close = price;
  bar.volume += Number(trade.volume);
  candles.update({ time: bar.time, open: bar.open, high: bar.high, low: bar.low, close: bar.close });
  volumes.update(volumeOf(bar));
  showBar(null);
}

function volumeOf(bar) {
  return { time: bar.time, value: bar.volume, color: faint(bar.close >= bar.open ? trend.up : trend.down, 0.35) };
}

function showEmpty(text) {
  const node = byId("plot-empty");
  node.hidden = !text;
  if (text) setText(node, text);
}

function showBar(seen) {
  const bar = seen ?? bars.at(-1);
  const places = Number(state.specs.get(state.chosen)?.tick_scale ?? 0);
  const text = (value) => value.toFixed(places);
  setText(byId("ohlc"), bar ? `${t("O")} ${text(bar.open)}  ${t("H")} ${text(bar.high)}  ${t("L")} ${text(bar.low)}  ${t("C")} ${text(bar.close)}` : "");
}
