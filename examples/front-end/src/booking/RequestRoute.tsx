// A visitor's own request, by the link in their mail: how it stands, and withdrawing it.
import { Alert, Button, Paper, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import {
  getPublicMeetingRequestOptions,
  getPublicMeetingRequestQueryKey,
  withdrawMeetingRequestMutation,
} from "../../generated/@tanstack/react-query.gen";
import { formatMoment } from "../i18n/format";
import { Loading } from "../ui/Loading";
import { ProblemAlert } from "../ui/ProblemAlert";
import { PageProblem } from "./PageProblem";
import { useLinkToken } from "./token";
import { VisitorLayout } from "./VisitorLayout";

export function RequestRoute() {
  const { t } = useTranslation();
  const { requestId = "" } = useParams();
  const token = useLinkToken();
  const queries = useQueryClient();
  const options = { path: { request_id: requestId }, auth: token ?? "" };
  const request = useQuery({ ...getPublicMeetingRequestOptions(options), enabled: token !== null });
  const withdraw = useMutation({
    ...withdrawMeetingRequestMutation(),
    onSuccess: (changed) => { queries.setQueryData(getPublicMeetingRequestQueryKey(options), changed); },
  });
  const told = request.data;
  return (
    <VisitorLayout>
      {token === null && <Alert color="orange">{t("linkIncomplete")}</Alert>}
      {token !== null && request.isPending && <Loading />}
      <PageProblem error={request.error} />
      <ProblemAlert error={withdraw.error} />
      {told !== undefined && (
        <Paper withBorder p="lg">
          <Stack align="flex-start">
            <Title order={1} size="h2">{t("requestTitle")}</Title>
            <Text className="breaks">{[told.title, ...(told.host_name === null ? [] : [t("with", { name: told.host_name })])].join(" · ")}</Text>
            <Text size="lg">{formatMoment(told.start_at, told.time_zone)}</Text>
            <Alert color={told.status === "accepted" ? "teal" : "indigo"} role="status">{t(`request_${told.status}`)}</Alert>
            {told.reason !== null && <Text className="breaks">{told.reason}</Text>}
            {told.can_withdraw && (
              <Button color="red" loading={withdraw.isPending} onClick={() => { withdraw.mutate({ ...options, body: {} }); }}>
                {t("withdraw")}
              </Button>
            )}
            {told.booking_id !== null && (
              <Button component={Link} to={{ pathname: `/bookings/${told.booking_id}/reschedule`, hash: `token=${token ?? ""}` }}>
                {t("reschedule")}
              </Button>
            )}
          </Stack>
        </Paper>
      )}
    </VisitorLayout>
  );
}
