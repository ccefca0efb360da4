// How the generated client is set up: where the API is, who asks, in which language the answers are.
import { createClient, type Client } from "../../generated/client";
import { client } from "../../generated/client.gen";
import { currentLanguage } from "../i18n/language";
import { session } from "../session/session";

/** Speaks as the CRM itself: its feed, its audit log, its webhooks. In a real CRM only its own server does. */
export const crm: Client = createClient();

export function configureClients(apiUrl: string): void {
  client.setConfig({ baseUrl: apiUrl, auth: () => session.current()?.token });
  crm.setConfig({ baseUrl: apiUrl, auth: () => session.current()?.crmToken });
  for (const each of [client, crm]) {
    each.interceptors.request.use((request) => {
      request.headers.set("Accept-Language", currentLanguage());
      return request;
    });
  }
}
