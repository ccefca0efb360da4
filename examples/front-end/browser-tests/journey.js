// The whole way at one provider: connect, choose, make a page; a visitor books, moves, cancels; the host sees all of it;
// the connection is lost and heals.
import assert from "node:assert/strict";
import { frontEnd, inBrowser, inspect, sitDown } from "./browser.js";
import { makePage, reconnect, signInConnected, untilRead } from "./host.js";
import { linkInMail, loseAuthorization } from "./outside.js";
import { chooseTime, fillIn, openLink, send } from "./visitor.js";

/** @typedef {import("playwright-core").Page} Page */

/**
 * @typedef {object} Part
 * @property {import("./host.js").Host} host
 * @property {string} label what the pictures are named after
 * @property {string} page the scheduling page's name
 * @property {{name: string, email: string, locale: string, timeZone: string}} visitor
 * @property {boolean} changes whether bookings can be moved and called off there (R24)
 * @property {boolean} pictures whether what looks alike at each provider is looked at here
 */

/** @param {Part} part */
export async function wholeJourney(part) {
  await inBrowser(async (browser) => {
    const host = await sitDown(browser);
    await signInConnected(host.page, part.host);
    await inspect(host.page, `settings-${part.label}`);
    await saveSettings(host.page);
    const link = await makePage(host.page, part.page, { consent: "I agree to be called.", question: "What is it about?" });
    const editor = host.page.url();
    if (part.pictures) await inspect(host.page, `page-${part.label}`);
    await book(browser, part, link);
    await seeTheBooking(host.page, part, editor);
    if (part.changes) await changeByLink(browser, part);
    await followTheTimeline(host.page, part);
    await loseAndHeal(host.page, part);
    await host.leave();
  });
}

/**
 * One Save for several changes; they are still there when the page is opened anew.
 * @param {Page} page
 */
async function saveSettings(page) {
  const [tentative, confirm] = [page.getByLabel("Tentative events block times"), page.getByLabel("Book free requests at once")];
  const wanted = [!(await tentative.isChecked()), !(await confirm.isChecked())];
  await tentative.click();
  await confirm.click();
  await page.getByText("There are changes that are not saved.").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Everything is saved.").waitFor();
  await page.reload();
  await page.getByText("Everything is saved.").waitFor();
  assert.deepEqual([await tentative.isChecked(), await confirm.isChecked()], wanted);
}

/**
 * @param {import("playwright-core").Browser} browser
 * @param {Part} part
 * @param {string} link
 */
async function book(browser, part, link) {
  const { page, leave } = await sitDown(browser, part.visitor);
  await openLink(page, link);
  await inspect(page, `booking-${part.label}`);
  await chooseTime(page);
  await page.locator("[role=timer]").waitFor();
  await page.locator("button[type=submit]").click();
  // Name, address, question and consent are missing; the first of them has the focus.
  assert.equal(await page.locator("form [aria-invalid=true]").count(), 4);
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("name")), "name");
  await inspect(page, `form-${part.label}`);
  await fillIn(page, { ...part.visitor, answer: "A new roof" });
  await send(page);
  // What cannot be done with the event is not offered (R24).
  assert.equal(await page.locator('a[href*="/reschedule"], a[href*="/cancel"]').count(), part.changes ? 2 : 0);
  await inspect(page, `booked-${part.label}`);
  await leave();
}

/**
 * @param {Page} page
 * @param {Part} part
 * @param {string} editor the address of the scheduling page's form
 */
async function seeTheBooking(page, part, editor) {
  await page.goto(`${frontEnd}/bookings`);
  const booking = page.getByTestId("booking").filter({ hasText: part.visitor.name });
  await booking.filter({ hasText: "in the calendar" }).first().waitFor();
  if (part.pictures) await inspect(page, `bookings-${part.label}`);
  await page.goto(editor);
  await page.getByRole("link", { name: "Why times are open or closed" }).click();
  await page.locator("[data-state=booked]").first().click();
  await page.getByTestId("time-detail").getByText(/A meeting is booked/).waitFor();
  if (part.pictures) await inspect(page, `heat-map-${part.label}`);
}

/**
 * Moved and called off by the links in the visitor's mail.
 * @param {import("playwright-core").Browser} browser
 * @param {Part} part
 */
async function changeByLink(browser, part) {
  const { page, leave } = await sitDown(browser, { ...part.visitor, locale: "en-GB" });
  await page.goto(await linkInMail(part.visitor.email, "reschedule"));
  const before = await page.getByTestId("booking-time").innerText();
  await chooseTime(page, 3);
  await page.getByRole("button", { name: "Move to this time" }).click();
  await page.getByText("The meeting was moved.").waitFor();
  assert.notEqual(await page.getByTestId("booking-time").innerText(), before);
  if (part.pictures) await inspect(page, `moved-${part.label}`);
  await page.goto(await linkInMail(part.visitor.email, "cancel"));
  await page.getByText("Do you want to cancel this meeting?").waitFor();
  if (part.pictures) await inspect(page, `cancel-${part.label}`);
  await page.getByRole("button", { name: "Cancel the meeting" }).click();
  await page.getByText("The meeting is cancelled.").waitFor();
  await leave();
}

/**
 * @param {Page} page
 * @param {Part} part
 */
async function followTheTimeline(page, part) {
  await page.goto(`${frontEnd}/bookings`);
  const booking = page.getByTestId("booking").filter({ hasText: part.visitor.name });
  await booking.filter({ hasText: part.changes ? "cancelled" : "confirmed" }).last().getByRole("link", { name: "Timeline" }).click();
  await page.getByText("booking.created").first().waitFor();
  const listen = page.getByRole("button", { name: "Have events sent here" });
  if (await listen.isVisible()) await listen.click();
  for (const kind of ["log", "event", "mail"]) await page.locator(`[data-kind=${kind}]`).first().waitFor();
  if (part.changes) {
    await page.locator("[data-kind=event]").filter({ hasText: "booking.rescheduled" }).waitFor();
    await page.locator("[data-kind=event]").filter({ hasText: "booking.cancelled" }).waitFor();
  }
  if (part.pictures) await inspect(page, `timeline-${part.label}`);
}

/**
 * The provider lets us in no more: the page says so, and the same account again is all it takes.
 * @param {Page} page
 * @param {Part} part
 */
async function loseAndHeal(page, part) {
  await page.goto(`${frontEnd}/settings/calendar`);
  await untilRead(page);
  const chosen = await page.getByLabel("Tentative events block times").isChecked();
  const password = await loseAuthorization(part.host);
  await page.getByRole("button", { name: "Read now" }).click();
  const stopped = page.getByRole("alert").filter({ hasText: "This connection has stopped working" });
  await stopped.waitFor();
  await inspect(page, `stopped-${part.label}`);
  await reconnect(page, part.host, password);
  await stopped.waitFor({ state: "hidden" });
  await page.getByRole("region", { name: "Connection" }).getByText("connected", { exact: true }).waitFor();
  await untilRead(page);
  assert.equal(await page.getByLabel("Tentative events block times").isChecked(), chosen, "settings survive");
}
