// Making a page, or changing one: enough to be booked. What the form does not show stays as it is.
import { Anchor, Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type SubmitEvent } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import type { SchedulingPage } from "../../generated";
import {
  createSchedulingPageMutation,
  deleteSchedulingPageMutation,
  getSchedulingPageOptions,
  updateSchedulingPageMutation,
} from "../../generated/@tanstack/react-query.gen";
import { Loading } from "../ui/Loading";
import { ProblemAlert } from "../ui/ProblemAlert";
import { AfterwardsFields } from "./AfterwardsFields";
import { changes, draftOf, newDraft } from "./draft";
import { HoursFields } from "./HoursFields";
import { PageFields } from "./PageFields";
import { ProposeTimes } from "./ProposeTimes";
import { QuestionFields } from "./QuestionFields";
import { RuleFields } from "./RuleFields";
import { TeamFields } from "./TeamFields";

export function EditPage() {
  const { pageId } = useParams();
  const page = useQuery({ ...getSchedulingPageOptions({ path: { page_id: pageId ?? "" } }), enabled: pageId !== undefined });
  if (pageId === undefined) return <PageForm page={null} />;
  if (page.isPending) return <Loading />;
  if (page.isError) return <ProblemAlert error={page.error} />;
  return <PageForm key={page.data.id} page={page.data} />;
}

function PageForm({ page }: { page: SchedulingPage | null }) {
  const { t } = useTranslation("host");
  const navigate = useNavigate();
  const queries = useQueryClient();
  const before = page === null ? null : draftOf(page);
  const [draft, setDraft] = useState(() => before ?? newDraft());
  const anew = async () => { await queries.invalidateQueries(); };
  const create = useMutation({
    ...createSchedulingPageMutation(),
    onSuccess: async (made) => { await anew(); await navigate(`/pages/${made.id}`, { replace: true }); },
  });
  const update = useMutation({
    ...updateSchedulingPageMutation(),
    onSuccess: async (saved) => { setDraft(draftOf(saved)); await anew(); },
  });
  const remove = useMutation({
    ...deleteSchedulingPageMutation(),
    onSuccess: async () => { await navigate("/pages", { replace: true }); await anew(); },
  });
  const error = create.error ?? update.error;
  const fields = { draft, error, onChange: (part: Partial<typeof draft>) => { setDraft({ ...draft, ...part }); } };
  function submit(event: SubmitEvent) {
    event.preventDefault();
    const body = changes(draft, before);
    if (page === null) create.mutate({ body: { ...body, type: draft.type } });
    else update.mutate({ path: { page_id: page.id }, headers: { "If-Match": `"${String(page.version)}"` }, body });
  }
  return (
    <Stack>
      <Title order={1} className="breaks">{page === null ? t("newPage") : page.name}</Title>
      {page !== null && (
        <Group>
          <Anchor href={page.meeting_link} underline="always" className="breaks" data-testid="meeting-link">{page.meeting_link}</Anchor>
          <Anchor component={Link} underline="always" to={`/pages/${page.id}/times`}>{t("whyClosed")}</Anchor>
        </Group>
      )}
      <form onSubmit={submit}>
        <Stack>
          <Paper withBorder p="lg"><PageFields {...fields} /></Paper>
          {page?.type !== "personal" && <Paper withBorder p="lg"><TeamFields {...fields} page={page} /></Paper>}
          <Paper withBorder p="lg"><HoursFields {...fields} /></Paper>
          <Paper withBorder p="lg"><RuleFields {...fields} /></Paper>
          <Paper withBorder p="lg"><QuestionFields {...fields} /></Paper>
          <Paper withBorder p="lg"><AfterwardsFields {...fields} /></Paper>
          <div className="save-bar">
            <ProblemAlert error={error ?? remove.error} />
            <Group justify="space-between">
              <Button type="submit" loading={create.isPending || update.isPending}>{t("save")}</Button>
              {update.isSuccess && <Text role="status">{t("saved")}</Text>}
              {page !== null && (
                <Button variant="subtle" color="red" loading={remove.isPending} onClick={() => { remove.mutate({ path: { page_id: page.id } }); }}>
                  {t("deletePage")}
                </Button>
              )}
            </Group>
          </div>
        </Stack>
      </form>
      {page !== null && <ProposeTimes page={page} />}
    </Stack>
  );
}
