// The client is generated from the service's document: nothing in src/ knows a path, a parameter or a field by hand.
import { defineConfig } from "@hey-api/openapi-ts";

export default defineConfig({
  input: "../../openapi.client.json",
  output: "generated",
  logs: { file: false },
  plugins: ["@hey-api/client-fetch", "@hey-api/sdk", "@hey-api/typescript", "@tanstack/react-query"],
});
