// What this browser's visitor has answered before. The CRM's forms hand out a token that says who it is, in the fragment of
// a link (#visitor_token=…). It is of use on a domain of the account's own alone, and there it is kept once it was.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useLocation, useNavigate } from "react-router";
import type { FormPrefill } from "../../generated";
import { getFormPrefillOptions } from "../../generated/@tanstack/react-query.gen";

const KEY = "visitor_token";

export function usePrefill(pageId: string): { said: FormPrefill | null; loading: boolean } {
  const { hash, search } = useLocation();
  const navigate = useNavigate();
  const linked = new URLSearchParams(hash.slice(1)).get(KEY);
  const [token] = useState(() => linked ?? localStorage.getItem(KEY));
  const prefill = useQuery({
    ...getFormPrefillOptions({
      path: { page_id: pageId },
      query: { host: window.location.host },
      headers: { "Visitor-Token": token ?? "" },
    }),
    enabled: token !== null,
    retry: false, // a form that begins empty is better than one that is waited for
  });
  const known = prefill.data !== undefined;
  useEffect(() => {
    if (known && token !== null) localStorage.setItem(KEY, token);
  }, [known, token]);
  useEffect(() => {
    // Whoever is sent this address by the visitor is somebody else.
    if (linked !== null) void navigate({ search }, { replace: true });
  }, [linked, navigate, search]);
  return { said: prefill.data ?? null, loading: prefill.isLoading };
}
