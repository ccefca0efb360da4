// Two visitors want the same time. One gets it; the other is offered what is free, and takes that.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inBrowser, inspect, sitDown } from "./browser.js";
import { makePage, people, signInConnected } from "./host.js";
import { fillIn, openLink, send, showDayWith } from "./visitor.js";

test("two visitors race for one time", () =>
  inBrowser(async (browser) => {
    const host = await sitDown(browser);
    await signInConnected(host.page, people.miriam);
    const link = await makePage(host.page, `The one ${String(process.pid)}`);
    await host.leave();

    // Who comes second is refused: that is what this is about.
    const racers = [
      { name: "Emma Evans", email: "emma@example.net", visit: await sitDown(browser, { refusals: [409] }) },
      { name: "Dora Dietrich", email: "dora@example.net", visit: await sitDown(browser, { refusals: [409] }) },
    ];
    await Promise.all(racers.map(({ visit }) => openLink(visit.page, link)));
    await Promise.all(racers.map(({ visit }) => showDayWith(visit.page, 3)));
    const wanted = await racers[0]?.visit.page.locator("[data-start]").nth(2).getAttribute("data-start");
    await Promise.all(racers.map(({ visit }) => visit.page.locator(`[data-start="${wanted ?? ""}"]`).click()));
    const states = await Promise.all(racers.map(async ({ visit: { page } }) => {
      const [form, gone] = [page.locator("input[name=name]"), page.getByText("Somebody has just taken that time.")];
      await form.or(gone).first().waitFor();
      return gone.isVisible();
    }));
    assert.deepEqual(states.toSorted(), [false, true], "one has the time, the other does not");

    const loser = racers[states.indexOf(true)];
    const winner = racers[states.indexOf(false)];
    assert.ok(loser !== undefined && winner !== undefined);
    await fillIn(winner.visit.page, winner);
    const first = await send(winner.visit.page);
    await inspect(loser.visit.page, "alternatives");
    await loser.visit.page.getByRole("alert").getByRole("button").first().click();
    await fillIn(loser.visit.page, loser);
    assert.notEqual(await send(loser.visit.page), first);
    await winner.visit.leave();
    await loser.visit.leave();
  }));
