// Which page is at this address. Every address ever given out is answered: an earlier one leads on to where it is now.
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { useLocation } from "react-router";
import { resolveSchedulingPageUrlOptions } from "../../generated/@tanstack/react-query.gen";
import { Loading } from "../ui/Loading";
import { BookingPage } from "./BookingPage";
import { PageProblem } from "./PageProblem";
import { VisitorLayout } from "./VisitorLayout";

export function MeetingsRoute() {
  const { pathname, search, hash } = useLocation();
  const found = useQuery(resolveSchedulingPageUrlOptions({ query: { host: window.location.host, path: pathname } }));
  const elsewhere = found.data?.moved === true ? found.data.meeting_link : null;
  useEffect(() => {
    if (elsewhere !== null) window.location.replace(elsewhere + search + hash);
  }, [elsewhere, search, hash]);
  return (
    <VisitorLayout>
      <PageProblem error={found.error} />
      {(found.isPending || elsewhere !== null) && <Loading />}
      {found.data !== undefined && elsewhere === null && <BookingPage pageId={found.data.page_id} />}
    </VisitorLayout>
  );
}
