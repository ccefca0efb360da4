// Visitors elsewhere: a Swede in Tokyo reads Swedish and Tokyo's time; every language has its picture.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inBrowser, inspect, sitDown } from "./browser.js";
import { makePage, people, signInConnected } from "./host.js";
import { mailSaying } from "./outside.js";
import { chooseTime, fillIn, openLink, send } from "./visitor.js";

const LANGUAGES = { en: "English", sv: "Svenska", de: "Deutsch", it: "Italiano", pl: "Polski" };

test("a Swedish visitor in Tokyo books in Swedish, by Tokyo's clock", () =>
  inBrowser(async (browser) => {
    const host = await sitDown(browser);
    await signInConnected(host.page, people.miriam);
    const link = await makePage(host.page, "Möte över haven");
    await host.leave();

    const { page, leave } = await sitDown(browser, { locale: "sv-SE", timeZone: "Asia/Tokyo" });
    await openLink(page, link);
    await page.getByText("Tidszon").first().waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), "sv");
    const label = await page.locator("[data-start]").first().innerText();
    const start = await chooseTime(page);
    const inTokyo = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Tokyo", timeStyle: "short" }).format(new Date(start));
    assert.equal(label.trim(), inTokyo);
    await fillIn(page, { name: "Sven Svensson", email: "sven@example.net" });
    assert.ok((await send(page)).includes(inTokyo));
    await inspect(page, "booked-sv-tokyo");
    const mail = await mailSaying("sven@example.net", inTokyo);
    assert.match(mail.subject, /Möte över haven/);
    await leave();
  }));

test("the time zone can be switched, and the times follow", () =>
  inBrowser(async (browser) => {
    const host = await sitDown(browser);
    await signInConnected(host.page, people.miriam);
    const link = await makePage(host.page, "Around the world");
    await host.leave();
    const { page, leave } = await sitDown(browser, { timeZone: "Europe/Stockholm" });
    await openLink(page, link);
    const first = page.locator("[data-start]").first();
    const [before, start] = [await first.innerText(), await first.getAttribute("data-start")];
    await page.getByRole("combobox", { name: "Time zone" }).fill("Kathmandu");
    await page.getByRole("option", { name: "Asia/Kathmandu" }).click();
    await page.waitForFunction((was) => document.querySelector("[data-start]")?.textContent !== was, before);
    const moment = new Date((await first.getAttribute("data-start")) ?? "");
    const there = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Kathmandu", timeStyle: "short" }).format(moment);
    assert.equal(await first.innerText(), there);
    assert.equal(moment.getTime(), Date.parse(start ?? ""), "it is the same moment");
    await leave();
  }));

test("every language is read by its speakers", () =>
  inBrowser(async (browser) => {
    const host = await sitDown(browser);
    await signInConnected(host.page, people.miriam);
    const link = await makePage(host.page, "Getting to know each other");
    await host.leave();
    const titles = new Set();
    for (const [language, name] of Object.entries(LANGUAGES)) {
      const { page, leave } = await sitDown(browser, { locale: language });
      await openLink(page, link);
      assert.equal(await page.locator("select").first().evaluate((each) => /** @type {HTMLSelectElement} */ (each).selectedOptions[0]?.text), name);
      titles.add(await page.getByRole("heading", { level: 2 }).first().innerText());
      // None of them says whether it is before noon; English alone is not American.
      assert.match(await page.locator("[data-start]").first().innerText(), /^\d\d:\d\d$/);
      await inspect(page, `language-${language}`);
      await leave();
    }
    assert.equal(titles.size, 5, "five languages say it in five ways");
  }));
