// One of the checked calendars cannot be read: nobody can book, the host is told, and the X or the regained access heals it.
// The host may let people ask for times meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";
import { frontEnd, inBrowser, inspect, sitDown } from "./browser.js";
import { makePage, people, signInConnected } from "./host.js";
import { googleCalendar, mailSaying, shareGoogleCalendar } from "./outside.js";
import { chooseTime, fillIn, openLink, send } from "./visitor.js";

const BOSS = "boss@example.com";

test("a lost calendar closes the page and a regained one opens it; the X does, too", () =>
  inBrowser(async (browser) => {
    const host = await sitDown(browser);
    await signInConnected(host.page, people.gerda);
    const name = `Board ${String(process.pid)}`;
    const calendar = await googleCalendar(BOSS, name);
    await shareGoogleCalendar(calendar.id, people.gerda.email, "reader");
    await tick(host.page, name);
    const link = await makePage(host.page, "Status");
    const visitor = await sitDown(browser, { locale: "sv-SE" });
    await openLink(visitor.page, link);

    await shareGoogleCalendar(calendar.id, people.gerda.email, "none");
    const inactive = await seeItLost(host.page, name);
    await inspect(host.page, "lost-calendar");
    await visitor.page.reload();
    await visitor.page.getByRole("button", { name: "Meddela värden" }).click();
    await visitor.page.getByText("Tack, vi meddelar värden.").waitFor();
    await inspect(visitor.page, "unavailable-sv");
    assert.equal((await visitor.page.content()).includes(name), false, "the visitor learns of no calendar");
    await mailSaying(people.gerda.email, name);

    await inactive.getByRole("button", { name: "Check again" }).click();
    await inactive.getByText("It still cannot be read.").waitFor();
    await shareGoogleCalendar(calendar.id, people.gerda.email, "reader");
    await inactive.getByRole("button", { name: "Check again" }).click();
    await inactive.waitFor({ state: "hidden" });
    await openLink(visitor.page, link);

    await shareGoogleCalendar(calendar.id, people.gerda.email, "none");
    const again = await seeItLost(host.page, name);
    const saved = host.page.waitForResponse((answer) => answer.request().method() === "PATCH" && answer.ok());
    await again.getByLabel("While it cannot be read").selectOption({ label: "let people ask for times" });
    await saved; // the visitor's page is not read again by itself
    await askOnRequest(visitor.page, link);
    await decline(host.page);
    await visitor.page.reload();
    await visitor.page.getByText("Tiden passar tyvärr inte värden.").waitFor();
    await host.page.goto(`${frontEnd}/settings/calendar`);
    await again.getByRole("button", { name: `Remove ${name} from the checked calendars` }).click();
    await again.waitFor({ state: "hidden" });
    await openLink(visitor.page, link);
    await visitor.leave();
    await host.leave();
  }));

/**
 * @param {import("playwright-core").Page} page
 * @param {string} name
 */
async function tick(page, name) {
  await page.goto(`${frontEnd}/settings/calendar`);
  await page.getByRole("button", { name: "Look for calendars again" }).click();
  await page.getByLabel(name).check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Everything is saved.").waitFor();
  await page.locator(`[data-testid="sync-state"][data-state="idle"][data-calendar="${name}"]`).filter({ hasText: "read at" }).waitFor();
}

/**
 * Reads once more, until the settings say that the calendar is lost.
 * @param {import("playwright-core").Page} page
 * @param {string} name
 */
async function seeItLost(page, name) {
  await page.goto(`${frontEnd}/settings/calendar`);
  await page.getByRole("button", { name: "Read now" }).click();
  const inactive = page.getByTestId("inactive-calendar").filter({ hasText: name });
  await inactive.waitFor();
  return inactive;
}

/**
 * Times can be asked for, not booked; the page says so of each.
 * @param {import("playwright-core").Page} page
 * @param {string} link
 */
async function askOnRequest(page, link) {
  await openLink(page, link);
  assert.equal(await page.locator('[data-start]:not([data-grade="request_only"])').count(), 0, "none can be booked");
  await page.getByText("på förfrågan").first().waitFor();
  await inspect(page, "on-request-sv");
  await chooseTime(page);
  await page.getByRole("button", { name: "Be om tiden" }).waitFor();
  await fillIn(page, { name: "Sven Svensson", email: "sven@example.net" });
  await send(page);
  await page.getByRole("link", { name: "Dra tillbaka förfrågan" }).click();
}

/** @param {import("playwright-core").Page} page */
async function decline(page) {
  await page.goto(`${frontEnd}/bookings`);
  const request = page.getByTestId("request").filter({ hasText: "Sven Svensson" });
  await request.getByRole("button", { name: "Decline" }).click();
  await request.waitFor({ state: "hidden" });
}
