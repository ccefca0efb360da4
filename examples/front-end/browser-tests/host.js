// What a host does in front of the browser: signing in, connecting, making a page.
import assert from "node:assert/strict";
import { frontEnd, inspect } from "./browser.js";

/** @typedef {import("playwright-core").Page} Page */

/**
 * @typedef {object} Host
 * @property {string} name
 * @property {string} email
 * @property {"Google" | "Office 365" | "Exchange"} provider
 */

/** @type {Record<"ada" | "astrid" | "agnes" | "gerda" | "olof" | "miriam" | "nils", Host>} */
export const people = {
  ada: { name: "Ada Andersson", email: "ada@example.com", provider: "Google" },
  astrid: { name: "Astrid Berg", email: "astrid@contoso.example", provider: "Office 365" },
  agnes: { name: "Agnes Ek", email: "agnes@corp.example", provider: "Exchange" },
  gerda: { name: "Gerda Holm", email: "gerda@example.com", provider: "Google" },
  olof: { name: "Olof Nyman", email: "olof@contoso.example", provider: "Office 365" },
  miriam: { name: "Miriam Lund", email: "miriam@contoso.example", provider: "Office 365" },
  nils: { name: "Nils Lund", email: "nils@example.com", provider: "Google" },
};

/**
 * @param {Page} page
 * @param {Host} host
 */
export async function signIn(page, host) {
  await page.goto(`${frontEnd}/sign-in`);
  await page.getByRole("button", { name: `Sign in as ${host.name}` }).click();
  await page.getByRole("heading", { name: "Calendar settings", level: 1 }).waitFor();
}

/**
 * Signs in and connects, unless an earlier journey did.
 * @param {Page} page
 * @param {Host} host
 */
export async function signInConnected(page, host) {
  await signIn(page, host);
  const connection = page.getByRole("region", { name: "Connection" });
  await connection.or(page.getByRole("region", { name: "Connect your calendar" })).first().waitFor();
  if (!(await connection.isVisible())) await connect(page, host);
  await untilRead(page);
}

/**
 * From the settings page through the disclosure and the provider's own page, or a password, and back.
 * @param {Page} page
 * @param {Host} host
 */
export async function connect(page, host) {
  await page.getByRole("button", { name: host.provider, exact: true }).click();
  const dialog = page.getByRole("dialog", { name: host.provider });
  await dialog.getByTestId("accept").click();
  if (host.provider === "Exchange") {
    await dialog.getByRole("button", { name: "Fill in the sandbox’s mailbox" }).click();
    await dialog.getByRole("button", { name: "Connect", exact: true }).click();
    await dialog.waitFor({ state: "hidden" });
  } else {
    await consent(page, host);
  }
  await page.getByRole("region", { name: "Connection" }).waitFor();
}

/**
 * On the provider's own page, and back.
 * @param {Page} page
 * @param {Host} host
 */
async function consent(page, host) {
  await page.getByRole("radio", { name: new RegExp(host.email) }).check();
  await page.locator("button[value=allow]").click();
  await page.waitForURL(`${frontEnd}/settings/calendar?**`);
  await page.getByText("Your calendar is connected").waitFor();
}

/**
 * The same account again, where the connection has stopped working.
 * @param {Page} page
 * @param {Host} host
 * @param {string} password the mailbox's, where there is one
 */
export async function reconnect(page, host, password) {
  await page.getByRole("button", { name: "Connect again" }).click();
  const dialog = page.getByRole("dialog", { name: "Connect again" });
  await dialog.getByTestId("accept").or(dialog.getByLabel("New password")).waitFor();
  await inspect(page, `reconnect-${host.provider.replaceAll(" ", "").toLowerCase()}`);
  if (host.provider === "Exchange") {
    await dialog.getByLabel("New password").fill(password);
    await dialog.getByRole("button", { name: "Connect again" }).click();
    await dialog.waitFor({ state: "hidden" });
  } else {
    await dialog.getByTestId("accept").click();
    await consent(page, host);
  }
}

/**
 * Until the strip says that the primary calendar was read.
 * @param {Page} page
 */
export async function untilRead(page) {
  await page.locator('[data-testid="sync-state"][data-state="idle"]').filter({ hasText: "read at" }).first().waitFor();
}

/**
 * A new scheduling page; returns its public link. Working hours are wide, so that a busy calendar leaves something.
 * @param {Page} page
 * @param {string} name
 * @param {{consent?: string, question?: string, type?: string, colleagues?: Host[]}} [extra]
 */
export async function makePage(page, name, { consent, question, type, colleagues = [] } = {}) {
  await page.getByRole("link", { name: "Scheduling pages" }).click();
  await page.getByRole("link", { name: "New page" }).click();
  await page.locator("input[name=name]").fill(name);
  if (type !== undefined) await page.getByRole("radio", { name: type }).check();
  for (const colleague of colleagues) await addColleague(page, colleague);
  for (const day of ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]) {
    await page.getByLabel(`${day}, from`).fill("07:00");
    await page.getByLabel(`${day}, to`).fill("21:00");
  }
  if (consent !== undefined) await page.getByLabel("Consent").fill(consent);
  if (question !== undefined) {
    await page.getByRole("button", { name: "Add a question" }).click();
    await page.getByLabel("Question").fill(question);
    await page.getByLabel("Must be answered").check();
  }
  await page.getByRole("button", { name: "Save" }).click();
  const link = await page.getByTestId("meeting-link").getAttribute("href");
  assert.ok(link !== null);
  return link;
}

/**
 * @param {Page} page
 * @param {Host} colleague
 */
export async function addColleague(page, { name }) {
  await page.getByRole("combobox", { name: "Colleagues" }).fill(name);
  await page.getByRole("option", { name }).click();
}
