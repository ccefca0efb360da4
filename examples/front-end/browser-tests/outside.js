// The world outside the front end: what was mailed, what stands in calendars and in DNS, who shares what with whom.
import { apiUrl, eventually, frontEnd, sandboxUrl } from "./browser.js";

/**
 * @param {string} method
 * @param {string} url
 * @param {unknown} [body]
 * @param {string} [token]
 * @returns {Promise<any>}
 */
async function call(method, url, body, token) {
  const answer = await fetch(url, {
    method,
    headers: { "Content-Type": "application/json", ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${url}: ${String(answer.status)} ${await answer.text()}`);
  return answer.status === 204 ? null : answer.json().catch(() => null);
}

/**
 * The first link of this kind in the mails to somebody, in the newest that has one.
 * @param {string} to
 * @param {"reschedule" | "cancel" | "withdraw"} action
 * @returns {Promise<string>}
 */
export async function linkInMail(to, action) {
  const pattern = new RegExp(`${frontEnd}/\\S+/${action}#token=[\\w-]+`);
  return eventually(`a mail to ${to} has a link to ${action}`, async () => {
    const { items } = await call("GET", `${sandboxUrl}/control/mail/messages?to=${encodeURIComponent(to)}`);
    for (const mail of items.toReversed()) {
      const found = pattern.exec(mail.text ?? "");
      if (found !== null) return found[0];
    }
    return null;
  });
}

/**
 * A mail to somebody that says this.
 * @param {string} to
 * @param {string} words
 */
export async function mailSaying(to, words) {
  return eventually(`a mail to ${to} says “${words}”`, async () => {
    const { items } = await call("GET", `${sandboxUrl}/control/mail/messages?to=${encodeURIComponent(to)}`);
    return items.find((/** @type {{text: string | null}} */ mail) => mail.text?.includes(words));
  });
}

/**
 * How many events begin at this moment in a Google calendar, by Google's own account of it.
 * @param {string} email
 * @param {string} start
 */
export async function googleEventsAt(email, start) {
  const items = await call("GET", `${sandboxUrl}/control/google/accounts/${encodeURIComponent(email)}/calendars/primary/events`);
  return items.filter((/** @type {{start: {dateTime?: string}}} */ item) => Date.parse(item.start.dateTime ?? "") === Date.parse(start)).length;
}

/**
 * Somebody's calendar at Google by its name.
 * @param {string} account
 * @param {string} summary
 */
export async function googleCalendar(account, summary) {
  return call("POST", `${sandboxUrl}/control/google/accounts/${encodeURIComponent(account)}/calendars`, { summary });
}

/**
 * @param {string} calendarId
 * @param {string} account
 * @param {"reader" | "none"} role
 */
export async function shareGoogleCalendar(calendarId, account, role) {
  await call("PUT", `${sandboxUrl}/control/google/calendars/${encodeURIComponent(calendarId)}/access`, { account, role });
}

/**
 * The provider lets us in no more: access is taken back, or the password is another. Returns the new one.
 * @param {import("./host.js").Host} host
 */
export async function loseAuthorization({ email, provider }) {
  const account = encodeURIComponent(email);
  if (provider === "Google") await call("POST", `${sandboxUrl}/control/google/accounts/${account}/revoke`);
  if (provider === "Office 365") {
    await call("POST", `${sandboxUrl}/control/microsoft/accounts/${account}/trouble`, { kind: "consent_removed" });
    await call("POST", `${sandboxUrl}/control/microsoft/expire-access-tokens?account=${account}`);
  }
  const password = `another-${String(process.pid)}`;
  if (provider === "Exchange") await call("PATCH", `${sandboxUrl}/control/exchange/accounts/${account}`, { password });
  return password;
}

/**
 * Whoever keeps a domain's DNS sets a record.
 * @param {string} name
 * @param {string} type
 * @param {string} value
 */
export async function setDns(name, type, value) {
  await call("PUT", `${sandboxUrl}/control/dns/records`, { name, type, values: [value] });
}

/**
 * Somebody answers a form on the company's website, whose CRM tells the service; returns the token of their browser.
 * @param {string} userToken of anybody at the company
 * @param {{email: string, name: string, answers: Record<string, string>}} said
 * @returns {Promise<string>}
 */
export async function answerAForm(userToken, said) {
  const { account } = await call("GET", `${apiUrl}/v1/me`, undefined, userToken);
  const { access_token } = await call("POST", `${sandboxUrl}/identity/token`, { service: true, account_id: account.id, permissions: ["forms:write"] });
  return (await call("POST", `${apiUrl}/v1/form-submissions`, said, access_token)).visitor_token;
}

/**
 * The public page behind a link, as the API tells it.
 * @param {string} link
 */
export async function publicPage(link) {
  const { host, pathname } = new URL(link);
  const { page_id } = await call("GET", `${apiUrl}/v1/public/resolve?${String(new URLSearchParams({ host, path: pathname }))}`);
  return call("GET", `${apiUrl}/v1/public/scheduling-pages/${page_id}`);
}
