// Who hosts: one person, everybody at once, or one of several by turns. Whoever cannot be booked is shown as such.
import { Alert, Badge, Group, List, MultiSelect, Radio, Stack, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { PageMember, SchedulingPage } from "../../generated";
import { fieldError } from "../api/problem";
import { useSession } from "../session/session";
import { useColleagues } from "../session/useColleagues";
import type { FieldsProps } from "./PageFields";

const TYPES: readonly SchedulingPage["type"][] = ["personal", "group", "round_robin"];
const COLOURS: Record<PageMember["status"], string> = { ready: "teal", no_calendar: "orange", unavailable: "red", left: "gray" };

/** Of a page that is being made, whose time it offers is chosen; later only who hosts with its owner is. */
export function TeamFields({ page, draft, error, onChange }: FieldsProps & { page: SchedulingPage | null }) {
  const { t } = useTranslation("host");
  return (
    <Stack>
      <Title order={2} size="h4">{t("team")}</Title>
      {page === null ? (
        <Radio.Group label={t("pageType")} value={draft.type} error={fieldError(error, "/type")}
          onChange={(value) => { onChange({ type: TYPES.find((each) => each === value) ?? "personal" }); }}>
          <Stack gap="xs" mt="xs">
            {TYPES.map((type) => <Radio key={type} value={type} label={t(`type_${type}`)} description={t(`type_${type}_help`)} />)}
          </Stack>
        </Radio.Group>
      ) : (
        <Text>{t(`type_${page.type}_help`)}</Text>
      )}
      {draft.type !== "personal" && <Colleagues page={page} draft={draft} error={error} onChange={onChange} />}
      {page !== null && page.type !== "personal" && <Members page={page} />}
    </Stack>
  );
}

function Colleagues({ page, draft, error, onChange }: FieldsProps & { page: SchedulingPage | null }) {
  const { t } = useTranslation("host");
  const me = useSession();
  const people = useColleagues();
  const members = page?.members ?? [];
  const owner = members.find((member) => member.organizes)?.email ?? me?.email;
  // Who has left the company hosts no longer, and can be taken out.
  const known = [...members, ...[...people.values()].filter((each) => members.every((member) => member.user_id !== each.user_id))];
  const choices = known.filter((each) => each.email !== owner).map((each) => ({ value: each.user_id, label: each.name ?? each.email }));
  return (
    <MultiSelect label={t("colleagues")} description={t("colleagues_help")} searchable data={choices} value={draft.member_ids}
      error={fieldError(error, "/member_ids")} onChange={(member_ids) => { onChange({ member_ids }); }} />
  );
}

function Members({ page }: { page: SchedulingPage }) {
  const { t } = useTranslation("host");
  const waits = page.members.some((member) => member.status === "no_calendar" || member.status === "unavailable");
  return (
    <>
      <List listStyleType="none" spacing="xs">
        {page.members.map((member) => (
          <List.Item key={member.user_id} data-testid="member">
            <Group gap="sm">
              <Text fw={500} className="breaks">{member.name ?? member.email}</Text>
              <Badge variant="light" color={COLOURS[member.status]}>{t(`member_${member.status}`)}</Badge>
              {member.organizes && <Text size="sm" c="dimmed">{t("organizes")}</Text>}
            </Group>
          </List.Item>
        ))}
      </List>
      {waits && <Alert color="orange">{t(page.type === "group" ? "groupWaits" : "turnsGoOn")}</Alert>}
    </>
  );
}
