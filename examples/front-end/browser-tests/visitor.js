// What a visitor does in front of the browser, whatever language they read.
import assert from "node:assert/strict";

/** @typedef {import("playwright-core").Page} Page */

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
 * Chooses one of the times that are shown, by its place; returns when it begins.
 * @param {Page} page
 * @param {number} [place]
 * @returns {Promise<string>}
 */
export async function chooseTime(page, place = 0) {
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
