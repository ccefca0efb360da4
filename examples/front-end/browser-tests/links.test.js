// The links people are given: the chat's, those on a domain of the company's own, where a form knows its visitor; and all
// of them turned off and on again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { OWN_DOMAIN, frontEnd, inBrowser, inspect, ownFrontEnd, sitDown } from "./browser.js";
import { makePage, people, signInConnected } from "./host.js";
import { answerAForm, setDns } from "./outside.js";
import { chooseTime, fillIn, openLink, send } from "./visitor.js";

/** @typedef {import("playwright-core").Page} Page */

const DORA = { name: "Dora Dietrich", email: "dora@example.net" };

test("a chat, a domain of one's own and a form that knows its visitor; then all is turned off and on", () =>
  inBrowser(async (browser) => {
    const host = await sitDown(browser);
    await signInConnected(host.page, people.ada);
    const name = `Linked ${String(process.pid)}`;
    const { pathname } = new URL(await makePage(host.page, name, { question: "What is it about?" }));
    const visitor = await sitDown(browser, { locale: "de-DE", timeZone: "Europe/Berlin", refusals: [404] });

    await visitor.page.goto(frontEnd + (await offerInChat(host.page, name)));
    await visitor.page.getByText("Möchten Sie mit Ada Andersson sprechen?").waitFor();
    await inspect(visitor.page, "chat-de");
    await visitor.page.getByRole("link", { name: "Uhrzeit auswählen" }).click();
    await chooseTime(visitor.page);
    await fillIn(visitor.page, { ...DORA, answer: "Ein Dach" });
    await send(visitor.page);

    await connectTheDomain(host.page);
    const token = await answerAForm(await tokenOf(host.page), { ...DORA, answers: { question_1: "Eine Heizung" } });
    await readWhatIsFilledIn(visitor.page, ownFrontEnd + pathname, token);

    await turn(host.page, "off");
    await visitor.page.reload();
    await visitor.page.getByText("Diese Seite ist zurzeit abgeschaltet.").waitFor();
    await inspect(visitor.page, "turned-off-de");
    await turn(host.page, "on");
    await openLink(visitor.page, ownFrontEnd + pathname);
    await visitor.leave();
    await leaveTheDomain(host.page);
    await readTomorrow(host.page);
    await host.leave();
  }));

/**
 * Lets the chat offer this page; returns the path of what the chat shows.
 * @param {Page} page
 * @param {string} name
 */
async function offerInChat(page, name) {
  await page.goto(`${frontEnd}/settings/calendar`);
  await page.getByLabel("Offer a meeting in the chat").check();
  await page.getByLabel("Page of the chat").selectOption({ label: name });
  await save(page);
  return (await page.getByRole("link", { name: "See what the chat shows" }).getAttribute("href")) ?? "";
}

/**
 * Adds it, looks in vain, has the records set, and moves the links there.
 * @param {Page} page
 */
async function connectTheDomain(page) {
  await page.getByLabel("New domain").fill(OWN_DOMAIN);
  await page.getByRole("button", { name: "Add the domain" }).click();
  const domain = page.getByRole("article", { name: OWN_DOMAIN });
  const look = domain.getByRole("button", { name: "Look for the records now" });
  await look.click();
  await domain.getByRole("status").waitFor();
  await inspect(page, "domain");
  for (const record of await domain.getByTestId("dns-record").all()) {
    const [name = "", value = ""] = await record.locator("code").allInnerTexts();
    await setDns(name, await record.locator("p").innerText(), value);
  }
  await look.click();
  await domain.getByText("connected", { exact: true }).waitFor();
  await page.getByLabel("Domain", { exact: true }).selectOption({ label: OWN_DOMAIN });
  await save(page);
  await page.goto(`${frontEnd}/pages`);
  const links = page.getByRole("link", { name: /\/meetings\// });
  await links.first().waitFor();
  const hosts = (await links.allInnerTexts()).map((each) => new URL(each).host);
  assert.deepEqual([...new Set(hosts)], [OWN_DOMAIN], "all links have moved");
}

/**
 * The form knows what was answered before; what the link says is newer, and the browser is known again without it.
 * @param {Page} page
 * @param {string} link
 * @param {string} token
 */
async function readWhatIsFilledIn(page, link, token) {
  const filledIn = async () => {
    await chooseTime(page);
    await page.getByText("Diese Angaben haben Sie uns bereits gemacht.").waitFor();
    return Promise.all(["name", "email", "question_1"].map((field) => page.locator(`input[name=${field}]`).inputValue()));
  };
  await openLink(page, `${link}?name=Frau+Dietrich#visitor_token=${token}`);
  assert.deepEqual(await filledIn(), ["Frau Dietrich", DORA.email, "Eine Heizung"]);
  assert.equal(new URL(page.url()).hash, "", "the token stands in the address no longer");
  await inspect(page, "prefilled-de");
  await openLink(page, link);
  assert.deepEqual(await filledIn(), [DORA.name, DORA.email, "Eine Heizung"]);
}

/**
 * @param {Page} page
 * @param {"on" | "off"} how
 */
async function turn(page, how) {
  await page.goto(`${frontEnd}/settings/calendar`);
  await page.getByRole("switch", { name: "Turn off all my pages for now" }).setChecked(how === "off");
  await save(page);
}

/**
 * A domain that somebody's links are on cannot be removed; one without can.
 * @param {Page} page
 */
async function leaveTheDomain(page) {
  await page.getByLabel("Domain", { exact: true }).selectOption({ label: "The shared domain" });
  await save(page);
  await page.getByRole("button", { name: `Remove the domain ${OWN_DOMAIN}` }).click();
  await page.getByRole("article", { name: OWN_DOMAIN }).waitFor({ state: "hidden" });
}

/**
 * A time that was on another day is told with its day.
 * @param {Page} page
 */
async function readTomorrow(page) {
  await page.getByRole("button", { name: "Read now" }).click();
  const read = page.getByTestId("sync-state").first();
  await read.filter({ hasText: /read at \d\d:\d\d ·/ }).waitFor();
  await page.clock.setFixedTime(Date.now() + 86_400_000);
  await page.reload();
  await read.filter({ hasText: /read at \d+ \w+ \d{4}, \d\d:\d\d ·/ }).waitFor();
}

/** @param {Page} page */
async function save(page) {
  await page.getByText("There are changes that are not saved.").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Everything is saved.").waitFor();
}

/**
 * @param {Page} page
 * @returns {Promise<string>}
 */
async function tokenOf(page) {
  return page.evaluate(() => JSON.parse(sessionStorage.getItem("session") ?? "{}").token);
}
