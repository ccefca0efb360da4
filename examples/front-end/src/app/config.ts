// What the web server tells the page: where the API is.
export interface Config {
  api_url: string;
  /** A receiver on this machine that events can be sent to for a look. */
  webhook_url: string;
}

let loaded: Config | null = null;

export async function loadConfig(): Promise<Config> {
  loaded = (await (await fetch("/config.json")).json()) as Config;
  return loaded;
}

export function config(): Config {
  if (loaded === null) throw new Error("The configuration was not loaded.");
  return loaded;
}
