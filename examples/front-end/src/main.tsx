// Starts the application: where the API is, then the texts, then the page.
import "@mantine/core/styles.css";
import "@mantine/dates/styles.css";
import { MantineProvider } from "@mantine/core";
import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { configureClients } from "./api/client";
import { asProblem, codeOf } from "./api/problem";
import { App } from "./app/App";
import "./app/app.css";
import { loadConfig } from "./app/config";
import { cssVariables, theme } from "./app/theme";
import { startTexts } from "./i18n";
import { session } from "./session/session";

const SIGNED_OUT = new Set(["unauthenticated", "token_expired"]);

const queries = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      // The sign-in page brings people back to where they were.
      if (SIGNED_OUT.has(codeOf(error) ?? "")) session.end();
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What was refused is refused again; what got no answer may get one.
      retry: (failures, error) => asProblem(error) === null && failures < 2,
    },
  },
});

async function start(root: HTMLElement): Promise<void> {
  const [{ api_url }] = await Promise.all([loadConfig(), startTexts()]);
  configureClients(api_url);
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} cssVariablesResolver={cssVariables} forceColorScheme="light">
        <QueryClientProvider client={queries}>
          <BrowserRouter>
            <App />
          </BrowserRouter>
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}

const root = document.getElementById("root");
if (root !== null) void start(root);
