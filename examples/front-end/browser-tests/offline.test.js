// No calendar is connected: the page takes requests, which can be withdrawn. When one is connected, the request becomes a
// booking under the same link.
import assert from "node:assert/strict";
import { test } from "node:test";
import { frontEnd, inBrowser, inspect, sitDown } from "./browser.js";
import { connect, makePage, people, signIn, untilRead } from "./host.js";
import { chooseTime, fillIn, openLink, send } from "./visitor.js";

test("a request made offline heals into a booking", () =>
  inBrowser(async (browser) => {
    const host = await sitDown(browser);
    await signIn(host.page, people.olof);
    const link = await makePage(host.page, "Consultation");
    await host.page.goto(`${frontEnd}/pages`);
    await host.page.getByRole("article", { name: "Consultation" }).getByText("takes requests").waitFor();

    const visitor = await sitDown(browser, { locale: "pl-PL", timeZone: "Europe/Warsaw" });
    await openLink(visitor.page, link);
    await visitor.page.getByText("Każdy termin potwierdza organizator").waitFor();
    await ask(visitor.page);
    await visitor.page.getByRole("link", { name: "Wycofaj prośbę" }).click();
    await visitor.page.getByText("Organizator jeszcze nie odpowiedział.").waitFor();
    await visitor.page.getByRole("button", { name: "Wycofaj prośbę" }).click();
    await visitor.page.getByText("Prośba została wycofana.").waitFor();

    await openLink(visitor.page, link);
    const asked = await ask(visitor.page);
    await inspect(visitor.page, "requested-pl");
    await visitor.page.getByRole("link", { name: "Wycofaj prośbę" }).click();
    await visitor.page.getByText("Organizator jeszcze nie odpowiedział.").waitFor();

    await host.page.goto(`${frontEnd}/bookings`);
    const request = host.page.getByTestId("request").filter({ hasText: "Paweł Nowak" });
    // One: the other was withdrawn.
    await request.getByText("Connect a calendar to see whether the time is free.").waitFor();
    await inspect(host.page, "request-before");
    await host.page.goto(`${frontEnd}/settings/calendar`);
    await connect(host.page, people.olof);
    await untilRead(host.page);
    await host.page.goto(`${frontEnd}/bookings`);
    await request.getByText("free", { exact: true }).waitFor();
    await inspect(host.page, "request-after");
    await request.getByRole("button", { name: "Accept" }).click();
    const booking = host.page.getByTestId("booking").filter({ hasText: "Paweł Nowak" });
    await booking.filter({ hasText: "in the calendar" }).waitFor();

    await visitor.page.reload();
    await visitor.page.getByText("Organizator się zgodził").waitFor();
    await visitor.page.getByRole("link", { name: "Przełóż spotkanie" }).click();
    assert.equal(await visitor.page.getByTestId("booking-time").innerText(), asked);
    await visitor.leave();
    await host.leave();
  }));

/**
 * Asks for the second of the times that are shown; returns what is said of it.
 * @param {import("playwright-core").Page} page
 */
async function ask(page) {
  await chooseTime(page, 1);
  await fillIn(page, { name: "Paweł Nowak", email: "pawel@example.net" });
  return send(page);
}
