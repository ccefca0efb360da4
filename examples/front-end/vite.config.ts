import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// While developing, `make run` serves the API and the sign-in; this server only replaces the files.
const sandbox = "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: process.env.FRONT_END_OUT ?? "dist",
    emptyOutDir: true,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  server: { proxy: { "/config.json": sandbox, "/session": sandbox, "/webhooks": sandbox } },
});
