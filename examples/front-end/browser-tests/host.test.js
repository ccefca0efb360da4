// What else a host does: the sign-in list, a refusal with its remedy, opening a time from the heat map, proposing times.
import assert from "node:assert/strict";
import { test } from "node:test";
import { frontEnd, inBrowser, inspect, sitDown } from "./browser.js";
import { makePage, people, signIn, signInConnected } from "./host.js";
import { fillIn, send } from "./visitor.js";

test("signing in, and what is refused without a seat", () =>
  inBrowser(async (browser) => {
    const { page, leave } = await sitDown(browser, { refusals: [403] });
    await page.goto(frontEnd);
    await page.getByRole("button", { name: "Sign in as Nils Lund" }).waitFor();
    await inspect(page, "sign-in");
    await signIn(page, people.nils);
    await page.getByLabel("Meetings URL").fill("nils");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("alert").filter({ hasText: /seat|Sales/ }).waitFor();
    await inspect(page, "refused");
    await page.reload();
    assert.equal(await page.getByLabel("Meetings URL").inputValue(), "", "nothing was saved");
    await leave();
  }));

test("a closed time says why, and one press opens it", () =>
  inBrowser(async (browser) => {
    const { page, leave } = await sitDown(browser);
    await signInConnected(page, people.miriam);
    await makePage(page, "Rarely open");
    await page.getByRole("link", { name: "Why times are open or closed" }).click();
    const closed = page.locator("[data-state=hours]").last();
    const start = await closed.getAttribute("data-start");
    await closed.click();
    const detail = page.getByTestId("time-detail");
    await detail.getByText("It is outside the working hours.").waitFor();
    await inspect(page, "heat-map-closed");
    await detail.getByRole("button", { name: "Open this time" }).click();
    await page.locator(`[data-start="${start ?? ""}"][data-state=open]`).waitFor();
    // By keyboard: the arrow goes to the time below, Enter reads it.
    await page.locator(`[data-start="${start ?? ""}"]`).focus();
    await page.keyboard.press("ArrowUp");
    const focused = await page.evaluate(() => document.activeElement?.getAttribute("data-start"));
    assert.ok(focused !== null && focused !== start);
    await page.keyboard.press("Enter");
    await detail.waitFor();
    await leave();
  }));

test("proposed times are links that book", () =>
  inBrowser(async (browser) => {
    const host = await sitDown(browser);
    await signInConnected(host.page, people.miriam);
    await makePage(host.page, "By mail");
    await host.page.getByRole("button", { name: "Choose three times" }).click();
    const links = host.page.getByRole("region", { name: "Propose times" }).getByRole("listitem").getByRole("link");
    await links.first().waitFor();
    assert.equal(await links.count(), 3);
    const link = (await links.nth(1).getAttribute("href")) ?? "";
    const said = await links.nth(1).innerText();
    await host.leave();

    const visitor = await sitDown(browser);
    await visitor.page.goto(link);
    await visitor.page.getByRole("heading", { name: "Times proposed to you" }).waitFor();
    await inspect(visitor.page, "proposal");
    await visitor.page.getByRole("button", { name: said }).click();
    await fillIn(visitor.page, { name: "Emma Evans", email: "emma@example.net" });
    assert.equal(await send(visitor.page), said);
    await visitor.page.goto(link);
    await visitor.page.getByText("One of these times was booked.").waitFor();
    await visitor.leave();
  }));
