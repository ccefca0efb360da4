// The company's own domains for links: adding one, the records that prove it, looking whether they stand, taking it away.
import { Badge, Box, Button, Checkbox, Code, CopyButton, Group, Paper, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type SubmitEvent } from "react";
import { useTranslation } from "react-i18next";
import type { DnsRecord, Domain } from "../../generated";
import {
  createDomainMutation,
  deleteDomainMutation,
  listDomainsOptions,
  listDomainsQueryKey,
  updateDomainMutation,
  verifyDomainMutation,
} from "../../generated/@tanstack/react-query.gen";
import { fieldError } from "../api/problem";
import { ProblemAlert } from "../ui/ProblemAlert";

const COLOURS: Record<Domain["status"], string> = { pending: "indigo", connected: "teal", failed: "red" };
export const ALL_DOMAINS = { query: { limit: 100 } };

export function Domains() {
  const { t } = useTranslation("host");
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const domains = useQuery(listDomainsOptions(ALL_DOMAINS));
  const add = useMutation({
    ...createDomainMutation(),
    onSuccess: async () => {
      setName("");
      await queries.invalidateQueries({ queryKey: listDomainsQueryKey(ALL_DOMAINS) });
    },
  });
  return (
    <Paper withBorder p="lg" component="section" aria-labelledby="domains-title">
      <Stack>
        <div>
          <Title order={2} size="h3" id="domains-title">{t("domainsTitle")}</Title>
          <Text c="dimmed">{t("domainsText")}</Text>
        </div>
        <ProblemAlert error={domains.error} />
        {domains.data?.items.map((domain) => <DomainCard key={domain.id} domain={domain} />)}
        <form onSubmit={(event: SubmitEvent) => { event.preventDefault(); add.mutate({ body: { name } }); }}>
          <Stack gap="sm" align="flex-start">
            <TextInput w="100%" label={t("newDomain")} placeholder="meet.example.com" required name="new_domain" value={name}
              error={fieldError(add.error, "/name")} onChange={(event) => { setName(event.currentTarget.value); }} />
            <ProblemAlert error={add.error} />
            <Button type="submit" variant="default" loading={add.isPending}>{t("addDomain")}</Button>
          </Stack>
        </form>
      </Stack>
    </Paper>
  );
}

function DomainCard({ domain }: { domain: Domain }) {
  const { t } = useTranslation("host");
  const queries = useQueryClient();
  const anew = { onSuccess: () => queries.invalidateQueries({ queryKey: listDomainsQueryKey(ALL_DOMAINS) }) };
  const verify = useMutation({ ...verifyDomainMutation(), ...anew });
  const update = useMutation({ ...updateDomainMutation(), ...anew });
  const remove = useMutation({ ...deleteDomainMutation(), ...anew });
  const path = { domain_id: domain.id };
  return (
    <Paper bg="gray.0" p="sm" component="article" aria-label={domain.name} data-status={domain.status}>
      <Stack gap="sm">
        <Group gap="sm">
          <Badge variant="light" color={COLOURS[domain.status]}>{t(`domain_${domain.status}`)}</Badge>
          <Text fw={500} className="breaks">{domain.name}</Text>
        </Group>
        {domain.remedy !== null && <Text role="status">{domain.remedy}</Text>}
        {domain.status === "connected" && domain.points_here === false && <Text size="sm">{t("domainNotPointing")}</Text>}
        {domain.status !== "connected" && <Records records={domain.records} />}
        <Checkbox label={t("searchIndexing")} checked={domain.search_indexing} disabled={update.isPending} onChange={(event) => {
          update.mutate({ path, headers: { "If-Match": `"${String(domain.version)}"` }, body: { search_indexing: event.currentTarget.checked } });
        }} />
        <ProblemAlert error={verify.error ?? update.error ?? remove.error} />
        <Group>
          {domain.allowed_actions.includes("verify") && (
            <Button variant="default" size="compact-md" loading={verify.isPending} onClick={() => { verify.mutate({ path }); }}>{t("verifyDomain")}</Button>
          )}
          {domain.allowed_actions.includes("delete") && (
            <Button variant="subtle" color="red" size="compact-md" loading={remove.isPending} aria-label={t("removeDomain", { name: domain.name })}
              onClick={() => { remove.mutate({ path }); }}>{t("remove")}</Button>
          )}
        </Group>
      </Stack>
    </Paper>
  );
}

function Records({ records }: { records: DnsRecord[] }) {
  const { t } = useTranslation("host");
  return (
    <>
      <Text size="sm">{t("domainRecords")}</Text>
      {records.map((record) => (
        <Group key={record.type} justify="space-between" gap="xs" data-testid="dns-record">
          <Box flex="1 1 14rem" className="breaks">
            <Text fw={600} size="sm">{record.type}</Text>
            <Code bg="transparent" p={0}>{record.name}</Code>
            <br />
            <Code bg="transparent" p={0}>{record.value}</Code>
          </Box>
          <CopyButton value={record.value}>
            {({ copied, copy }) => (
              <Button variant="subtle" size="compact-sm" aria-label={t("copyRecord", { type: record.type })} onClick={copy}>
                {t(copied ? "copied" : "copy")}
              </Button>
            )}
          </CopyButton>
        </Group>
      ))}
    </>
  );
}
