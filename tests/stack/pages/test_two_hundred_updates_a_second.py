"""200 changes of the book a second: the page's memory does not grow, its frames do not pile up, its book is true.
Run by pytest in the stack tier for 20 s; `make soak` runs it for 10 minutes (OUTCRY_SOAK_S)."""

import json
import os
import sys
import urllib.request
from typing import Any

from tests.stack.pages.conftest import Visit
from tests.support.browser import Visitor
from tests.support.quoting import Quoter
from tests.support.stack import RunningStack

SOAK_S = int(os.environ.get("OUTCRY_SOAK_S", "20"))
PER_SECOND = 200
QUARTERS = 4
MIDDLE = 3100
HEAP_GROWTH_MAX = 4_000_000  # bytes, after the collector ran
# Counts pushes, frames and the time between frames; read and set to zero once a quarter.
METER = """() => {
  const meter = {pushes: 0, books: 0, frames: 0, late: 0, slowest: 0};
  const {feed} = outcry, take = feed.onPush;
  feed.onPush = (push) => { meter.pushes += 1; meter.books += push.type === 'order_book'; take(push); };
  let before = performance.now();
  const tick = (now) => {
    meter.frames += 1;
    meter.late += now - before > 100;
    meter.slowest = Math.max(meter.slowest, now - before);
    before = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  window.meter = meter;
}"""
READ = """() => {
  const found = {...meter, paints: outcry.frames.painted, slowestPaint: outcry.frames.slowestMs,
    gaps: outcry.feed.gaps, rows: document.querySelectorAll('tr').length};
  Object.assign(meter, {pushes: 0, books: 0, frames: 0, late: 0, slowest: 0});
  Object.assign(outcry.frames, {painted: 0, slowestMs: 0});
  return found;
}"""
SHOWN = """() => [...document.querySelectorAll('#book tr[data-side]')].map((row) =>
  [row.dataset.side, row.querySelector('button').textContent, row.querySelector('.volume span').textContent])"""


def heap_bytes(who: Visitor, cdp: Any) -> int:
    """JavaScript's memory in use after a collection."""
    cdp.send("HeapProfiler.collectGarbage")
    return int(cdp.send("Runtime.getHeapUsage")["usedSize"])


def book_of_the_venue(venue: RunningStack, who: Visitor, instrument: str) -> list[list[str]]:
    """The five best levels as REST has them, in the page's order."""
    token = who.page.evaluate("async () => (await import('/static/outcry/js/session.js')).token()")
    address = f"{venue.web}/api/market/orderbook/{instrument}?depth=5"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        book = json.load(answer)["data"]
    rows: list[list[str]] = []
    for side, levels in (("ask", book["asks"]), ("bid", book["bids"])):
        shown = [[side, f"{level['price']:,}", f"{level['volume']:,}"] for level in levels]
        shown += [[side, "–", ""]] * (5 - len(shown))
        rows += reversed(shown) if side == "ask" else shown
    return rows


def test_the_page_keeps_up_and_keeps_its_size(visitor: Visit, venue: RunningStack) -> None:
    who = visitor()
    who.register("ida_soak")
    instrument = who.page.evaluate(
        "() => [...outcry.state.specs.keys()].find((id) => id.startsWith('SHFE.rb'))"
    )
    who.choose(instrument)
    cdp = who.context.new_cdp_session(who.page)
    quarters: list[dict[str, Any]] = []
    with Quoter(venue.web, "quoter_soak", instrument, MIDDLE, PER_SECOND) as quoter:
        who.page.wait_for_function(
            "() => outcry.state.book.bids.size >= 4 && outcry.state.book.asks.size >= 4"
        )
        who.page.evaluate(METER)
        for _ in range(QUARTERS):
            accepted = quoter.accepted
            before = heap_bytes(who, cdp)
            who.page.evaluate(READ)
            who.page.wait_for_timeout(SOAK_S * 1000 / QUARTERS)
            found = who.page.evaluate(READ)
            found |= {"heap": heap_bytes(who, cdp), "before": before, "updates": quoter.accepted - accepted}
            quarters.append(found)
    report(quarters)

    assert quoter.refused == {}
    seconds = SOAK_S / QUARTERS
    assert min(each["updates"] for each in quarters) > 0.75 * PER_SECOND * seconds
    assert min(each["books"] for each in quarters) > 10 * seconds
    assert quarters[-1]["heap"] - quarters[0]["heap"] < HEAP_GROWTH_MAX
    assert quarters[-1]["rows"] <= quarters[0]["rows"] + 40  # lists have an end
    assert quarters[-1]["frames"] > 0.7 * quarters[0]["frames"]
    assert sum(each["late"] for each in quarters) < 0.02 * sum(each["frames"] for each in quarters)
    assert sum(each["gaps"] for each in quarters) == 0
    # What is shown when it is quiet again is what stands in the venue: nothing was left behind.
    who.page.wait_for_function("() => performance.now() - outcry.feed.heardAt > 300")
    assert who.page.evaluate(SHOWN) == book_of_the_venue(venue, who, instrument)


def report(quarters: list[dict[str, Any]]) -> None:
    """The figures, for docs/pages.md; pytest shows them with -s."""
    for number, each in enumerate(quarters, start=1):
        sys.stdout.write(
            f"\nquarter {number} of {SOAK_S} s: {each['updates']} updates, {each['books']} book pushes, "
            f"{each['pushes']} pushes, {each['frames']} frames ({each['late']} later than 100 ms, slowest "
            f"{each['slowest']:.0f} ms), slowest paint {each['slowestPaint']:.1f} ms, heap {each['heap'] / 1e6:.2f} MB"
        )
