// Nobody can book now, and why is not the visitor's business. They can let the host know that they tried.
import { Alert, Button, Paper, Stack, Text, Title } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { reportBookingAttemptMutation } from "../../generated/@tanstack/react-query.gen";
import { ProblemAlert } from "../ui/ProblemAlert";

export function Unavailable({ pageId }: { pageId: string }) {
  const { t } = useTranslation();
  const report = useMutation(reportBookingAttemptMutation());
  return (
    <Paper withBorder p="lg">
      <Stack align="flex-start">
        <Title order={2} size="h3">{t("unavailableTitle")}</Title>
        <Text>{t("unavailableText")}</Text>
        {report.isSuccess ? (
          <Alert color="teal" role="status">{t("letKnown")}</Alert>
        ) : (
          <Button loading={report.isPending} onClick={() => { report.mutate({ path: { page_id: pageId } }); }}>
            {t("letThemKnow")}
          </Button>
        )}
        <ProblemAlert error={report.error} />
      </Stack>
    </Paper>
  );
}
