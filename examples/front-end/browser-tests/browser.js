// A real Chromium, and people in front of it. The rule: a console error, an unheard exception or a page that scrolls
// sideways fails the journey, wherever it happens.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { chromium } from "playwright-core";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").Browser} Browser */

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const USUAL_PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/snap/bin/chromium"];
const PATIENCE = Number(process.env.PATIENCE_MS ?? 45_000); // the machine may be busy
const PHONE = { width: 360, height: 740 };
const DESK = { width: 1200, height: 860 };
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export const frontEnd = required("FRONT_END_URL");
export const sandboxUrl = required("SANDBOX_URL");
export const apiUrl = required("API_URL");
const screenshots = process.env.SCREENSHOTS ?? "screenshots";

/** A domain of the company's own: whoever asks for it gets the front end, as if its DNS said so and HTTPS was spoken. */
export const OWN_DOMAIN = `meet-${String(process.pid)}.example.org`;
export const ownFrontEnd = `http://${OWN_DOMAIN}:${new URL(frontEnd).port}`;

/** @param {string} name */
function required(name) {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: make browser sets it.`);
  return value;
}

/**
 * A browser for as long as something goes on in it. When that fails, what was on the screens is kept.
 * @param {(browser: Browser) => Promise<void>} act
 */
export async function inBrowser(act) {
  const browser = await openBrowser();
  try {
    await act(browser);
  } catch (error) {
    const pages = browser.contexts().flatMap((context) => context.pages());
    for (const [index, page] of pages.entries()) {
      console.error(`on screen ${String(index + 1)}: ${page.url().split("#")[0] ?? ""}`);
      await page.screenshot({ path: path.join(screenshots, `failed-${String(index + 1)}.png`), fullPage: true });
    }
    throw error;
  } finally {
    await browser.close();
  }
}

/** @returns {Promise<Browser>} */
async function openBrowser() {
  const found = process.env.CHROMIUM ?? USUAL_PLACES.find((place) => existsSync(place));
  if (found === undefined) throw new Error("There is no Chromium: set CHROMIUM to its path.");
  mkdirSync(screenshots, { recursive: true });
  // The sandbox of its own needs rights that containers seldom give; what is opened is ours.
  return chromium.launch({
    executablePath: found,
    args: [
      "--no-sandbox", "--disable-dev-shm-usage",
      `--host-resolver-rules=MAP ${OWN_DOMAIN} 127.0.0.1`, `--unsafely-treat-insecure-origin-as-secure=${ownFrontEnd}`,
    ],
  });
}

/**
 * Somebody in front of a browser window of their own.
 * @param {Browser} browser
 * @param {{locale?: string, timeZone?: string, phone?: boolean, refusals?: number[]}} [options] `refusals`: statuses that the
 *   journey wants to see; Chromium reports each as an error of its own.
 */
export async function sitDown(browser, { locale = "en-GB", timeZone = "Europe/Stockholm", phone = false, refusals = [] } = {}) {
  const context = await browser.newContext({ locale, timezoneId: timeZone, viewport: phone ? PHONE : DESK, reducedMotion: "reduce" });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  /** @type {string[]} */
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // The simulated providers' pages lack a picture for the tab.
    if (message.type() !== "error" || message.location().url.startsWith(sandboxUrl)) return;
    const wanted = refusals.some((status) => message.text().includes(`status of ${String(status)}`));
    if (!wanted) complaints.push(`${message.text()} (${message.location().url})`);
  });
  return {
    page,
    /** Ends the visit; nothing may have gone wrong meanwhile. */
    async leave() {
      await context.close();
      assert.deepEqual(complaints, [], "the console is quiet");
    },
  };
}

/**
 * Looks at the page as axe-core does and as a phone shows it, and keeps a picture.
 * @param {Page} page
 * @param {string} name
 */
export async function inspect(page, name) {
  await settle(page);
  await page.screenshot({ path: path.join(screenshots, `${name}.png`), fullPage: true });
  await page.evaluate(AXE);
  const violations = await page.evaluate(async (values) => {
    /** @type {import("axe-core")} */
    // @ts-expect-error axe puts itself there
    const axe = window.axe;
    const told = await axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations"] });
    return told.violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
  }, RULES);
  assert.deepEqual(violations, [], `${name} is accessible`);
  await fitsAPhone(page, name);
}

/**
 * @param {Page} page
 * @param {string} name
 */
async function fitsAPhone(page, name) {
  const before = page.viewportSize();
  await page.setViewportSize(PHONE);
  await settle(page);
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  await page.screenshot({ path: path.join(screenshots, `${name}-phone.png`) });
  if (before !== null) await page.setViewportSize(before);
  assert.ok((content ?? 0) <= (window ?? 0), `${name} does not scroll sideways on a phone: ${String(content)} > ${String(window)}`);
}

/**
 * Until what is on its way is there: transitions have ended, and no loader turns.
 * @param {Page} page
 */
async function settle(page) {
  await page.waitForFunction(
    () =>
      document.querySelector(".mantine-Loader-root, [data-loading]") === null &&
      document.getAnimations().every((each) => each.playState !== "running"),
  );
}

/**
 * Until something is so.
 * @template T
 * @param {string} what
 * @param {() => Promise<T | null | undefined | false>} look
 * @returns {Promise<T>}
 */
export async function eventually(what, look) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < deadline, `it never came about that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
