// The visitor's token stands in the fragment of their link, which no server is sent.
import { useLocation } from "react-router";

export function useLinkToken(): string | null {
  return new URLSearchParams(useLocation().hash.slice(1)).get("token");
}
