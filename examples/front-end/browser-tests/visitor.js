// What a visitor does in front of the browser, whatever language they read.
import assert from "node:assert/strict";

/** @typedef {import("playwright-core").Page} Page */

const WHOLE_DAY = 6; // times; no day that is almost over has as many

/**
 * Opens a page and waits for its times.
 * @param {Page} page
 * @param {string} link
 */
export async function openLink(page, link) {
  await page.goto(link);
  await page.locator("[data-start]").first().waitFor();
}

/**
 * Goes on to the first day with so many times: late in the day few are left of it.
 * @param {Page} page
 * @param {number} count
 */
export async function showDayWith(page, count) {
  const times = page.locator("[data-start]");
  await times.first().waitFor();
  while ((await times.count()) < count) {
    const first = await times.first().getAttribute("data-start");
    const days = await page.locator("td button:not([disabled])").all();
    const shown = await Promise.all(days.map(async (day) => (await day.getAttribute("data-selected")) !== null));
    const following = days[shown.indexOf(true) + 1] ?? page.getByRole("button", { name: "Next month" });
    await following.click();
    await page.waitForFunction((was) => (document.querySelector("[data-start]")?.getAttribute("data-start") ?? was) !== was, first);
  }
}

/**
 * Chooses a time, by its place on the first day with that many; returns when it begins.
 * @param {Page} page
 * @param {number} [place] Below zero: from the end of a day that has hardly begun.
 * @returns {Promise<string>}
 */
export async function chooseTime(page, place = 0) {
  await showDayWith(page, place < 0 ? WHOLE_DAY : place + 1);
  const time = page.locator("[data-start]").nth(place);
  const start = await time.getAttribute("data-start");
  assert.ok(start !== null);
  await time.click();
  return start;
}

/**
 * @param {Page} page
 * @param {{name: string, email: string, answer?: string}} visitor
 */
export async function fillIn(page, { name, email, answer }) {
  await page.locator("input[name=name]").fill(name);
  await page.locator("input[name=email]").fill(email);
  if (answer !== undefined) await page.locator("input[name=question_1]").fill(answer);
  const consent = page.locator("input[name=consent]");
  if (await consent.isVisible()) await consent.check();
}

/**
 * Sends the form and waits for the answer; returns what it says about the time.
 * @param {Page} page
 */
export async function send(page) {
  await page.locator("button[type=submit]").click();
  return page.getByTestId("outcome-time").innerText();
}
