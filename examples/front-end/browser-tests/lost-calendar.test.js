// One of the checked calendars cannot be read: nobody can book, the host is told, and the X or the regained access heals it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { frontEnd, inBrowser, inspect, sitDown } from "./browser.js";
import { makePage, people, signInConnected } from "./host.js";
import { googleCalendar, mailSaying, shareGoogleCalendar } from "./outside.js";
import { openLink } from "./visitor.js";

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
