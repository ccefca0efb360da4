// What a chat on the company's own website shows by its key: whom one can meet, and the way there.
import { Alert, Anchor, Paper, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { getPublicChatWidgetOptions } from "../../generated/@tanstack/react-query.gen";
import { codeOf } from "../api/problem";
import { Loading } from "../ui/Loading";
import { ProblemAlert } from "../ui/ProblemAlert";
import { VisitorLayout } from "./VisitorLayout";

export function ChatRoute() {
  const { t } = useTranslation();
  const { widgetKey = "" } = useParams();
  const widget = useQuery(getPublicChatWidgetOptions({ path: { widget_key: widgetKey } }));
  const told = widget.data;
  return (
    <VisitorLayout>
      <Stack maw={420}>
        <Title order={1} size="h3">{t("chatTitle")}</Title>
        {widget.isPending && <Loading />}
        {codeOf(widget.error) === "not_found" ? <Alert color="gray">{t("chatNone")}</Alert> : <ProblemAlert error={widget.error} />}
        {told !== undefined && (
          <Paper withBorder p="md" radius="lg">
            <Text>{told.host_name === null ? t("chatOfferTeam") : t("chatOffer", { name: told.host_name })}</Text>
            {told.bookable ? <Anchor href={told.meeting_link} underline="always">{t("chooseTime")}</Anchor> : <Text c="dimmed">{t("unavailableTitle")}</Text>}
          </Paper>
        )}
      </Stack>
    </VisitorLayout>
  );
}
