// Several hosts: a group meets when everybody is free, a round robin goes by turns, and nobody without a calendar is
// taken for free. What was booked its host can move and call off.
import assert from "node:assert/strict";
import { test } from "node:test";
import { frontEnd, inBrowser, inspect, sitDown } from "./browser.js";
import { addColleague, makePage, people, signInConnected } from "./host.js";
import { mailSaying } from "./outside.js";
import { chooseTime, fillIn, openLink, send } from "./visitor.js";

/** @typedef {import("playwright-core").Page} Page */

const RUN = String(process.pid);
const LAST = -1;

test("a group waits for everybody; a round robin goes by turns", () =>
  inBrowser(async (browser) => {
    const host = await sitDown(browser);
    await signInConnected(host.page, people.gerda);
    await signInConnected(host.page, people.miriam);
    const visitor = await sitDown(browser);

    const together = await makePage(host.page, "All of us", { type: "group", colleagues: [people.gerda, people.nils] });
    await see(host.page, { "Miriam Lund": "can be booked", "Gerda Holm": "can be booked", "Nils Lund": "no calendar" });
    await inspect(host.page, "team");
    await visitor.page.goto(together);
    await visitor.page.getByText("No times can be booked at the moment").waitFor();
    await host.page.getByRole("combobox", { name: "Colleagues" }).press("Backspace"); // the last one: Nils
    await host.page.getByRole("button", { name: "Save" }).click();
    await host.page.getByTestId("member").nth(2).waitFor({ state: "hidden" });
    await book(visitor.page, together, `Emma ${RUN}`);
    await host.page.goto(`${frontEnd}/bookings`);
    const booking = host.page.getByTestId("booking").filter({ hasText: `Emma ${RUN}` });
    await booking.filter({ hasText: "With Gerda Holm" }).waitFor();
    await changeAsHost(host.page, booking);

    const byTurns = await makePage(host.page, "One of us", { type: "round robin", colleagues: [people.nils] });
    await addColleague(host.page, people.gerda);
    await changeTheRules(host.page);
    await see(host.page, { "Miriam Lund": "can be booked", "Nils Lund": "no calendar", "Gerda Holm": "can be booked" });
    await openLink(visitor.page, byTurns);
    const starts = await visitor.page.locator("[data-start]").evaluateAll((all) => all.map((each) => each.getAttribute("data-start") ?? ""));
    assert.ok(starts.every((start) => new Date(start).getUTCMinutes() === 0), "times begin every hour");
    await book(visitor.page, byTurns, `Dora ${RUN}`, LAST); // nobody has a meeting there yet, whatever was booked before
    await book(visitor.page, byTurns, `Ida ${RUN}`, LAST);
    await visitor.leave();
    await host.page.goto(`${frontEnd}/bookings`);
    for (const { name } of [people.miriam, people.gerda]) {
      const turn = host.page.getByTestId("booking").filter({ hasText: `by turns: ${name}` });
      await turn.filter({ hasText: RUN }).waitFor();
    }
    await inspect(host.page, "bookings-team");
    await host.leave();
  }));

/**
 * The members are these, and this is said of each.
 * @param {Page} page
 * @param {Record<string, string>} members
 */
async function see(page, members) {
  for (const [name, state] of Object.entries(members)) {
    await page.getByTestId("member").filter({ hasText: name }).getByText(state).waitFor();
  }
  assert.equal(await page.getByTestId("member").count(), Object.keys(members).length);
}

/**
 * A time begins every hour, and everybody is reminded the day before; it is still so when the page is opened anew.
 * @param {Page} page
 */
async function changeTheRules(page) {
  await page.getByLabel("From one start to the next").selectOption({ label: "1 hour" });
  await page.getByRole("combobox", { name: "Remind everybody by mail" }).press("ArrowDown");
  await page.getByRole("option", { name: "1 day" }).click();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Everything is saved.").waitFor();
  await page.reload();
  await page.locator("#content").getByText("1 day", { exact: true }).waitFor();
}

/**
 * @param {Page} page
 * @param {string} link
 * @param {string} name
 * @param {number} [place]
 */
async function book(page, link, name, place = 0) {
  await openLink(page, link);
  await chooseTime(page, place);
  await fillIn(page, { name, email: "visitor@example.net" });
  await send(page);
}

/**
 * Moved, and then called off, with a word that the visitor reads.
 * @param {Page} page
 * @param {import("playwright-core").Locator} booking
 */
async function changeAsHost(page, booking) {
  await booking.filter({ hasText: "in the calendar" }).waitFor();
  await booking.getByRole("button", { name: "Move the meeting" }).click();
  const dialog = page.getByRole("dialog");
  await chooseTime(page, 3);
  const wanted = await dialog.getByText(/\d\d:\d\d/).last().innerText();
  await inspect(page, "move-as-host");
  await dialog.getByRole("button", { name: "Move to this time" }).click();
  await booking.getByText(wanted).waitFor();
  await booking.getByRole("button", { name: "Cancel the meeting" }).click();
  await dialog.getByLabel("Reason").fill(`The roof ${RUN}`);
  await dialog.getByRole("button", { name: "Cancel the meeting" }).click();
  await booking.getByText("cancelled").waitFor();
  await mailSaying("visitor@example.net", `The roof ${RUN}`);
}
